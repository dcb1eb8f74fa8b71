"""What the window tells: messages, running jobs, the device."""

from latentseg_gui.panels.feedback.device_badge import DeviceBadge, DeviceChoice
from latentseg_gui.panels.feedback.jobs import JobsIndicator
from latentseg_gui.panels.feedback.message_card import Message, MessageCard, MessageStack

__all__ = ["DeviceBadge", "DeviceChoice", "JobsIndicator", "Message", "MessageCard", "MessageStack"]
