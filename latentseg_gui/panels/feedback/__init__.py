"""What the window tells: messages, running jobs, the device."""

from latentseg_gui.panels.feedback.device_badge import DeviceBadge, DeviceEntry
from latentseg_gui.panels.feedback.jobs import JobsIndicator
from latentseg_gui.panels.feedback.message_card import Message, MessageCard
from latentseg_gui.panels.feedback.message_log import MessageLog
from latentseg_gui.panels.feedback.message_strip import MessageStrip
from latentseg_gui.panels.feedback.tour_strip import TourStrip

__all__ = [
    "DeviceBadge",
    "DeviceEntry",
    "JobsIndicator",
    "Message",
    "MessageCard",
    "MessageLog",
    "MessageStrip",
    "TourStrip",
]
