"""A disk on which the N-th operation fails, or ends the process, or writes only half."""

import os

from latentseg_gui.io.storage import Disk


class CountingDisk(Disk):
    """Counts every operation and remembers what was done; subclasses interfere."""

    def __init__(self):
        self.operations = []

    def before(self, name, *arguments):
        self.operations.append((name, *arguments))

    def create(self, folder):
        self.before("create")
        return super().create(folder)

    def write(self, descriptor, data):
        self.before("write", descriptor, data)
        return super().write(descriptor, data)

    def set_mode(self, descriptor, mode):
        self.before("set_mode")
        super().set_mode(descriptor, mode)

    def sync(self, descriptor):
        self.before("sync")
        super().sync(descriptor)

    def close(self, descriptor):
        try:
            self.before("close")
        finally:
            super().close(descriptor)

    def replace(self, source, target):
        self.before("replace", target)
        super().replace(source, target)

    def sync_folder(self, folder):
        self.before("sync_folder", folder)
        super().sync_folder(folder)

    def make_folder(self, folder):
        self.before("make_folder")
        super().make_folder(folder)

    def open_append(self, path):
        self.before("open_append")
        return super().open_append(path)

    def remove(self, path):
        self.before("remove")
        super().remove(path)


class FailingDisk(CountingDisk):
    """Raises OSError at operation number ``at`` (from 0), and with ``is_lasting`` ever after."""

    def __init__(self, at, code, is_lasting=False):
        super().__init__()
        self.at, self.code, self.is_lasting = at, code, is_lasting
        self.has_failed = False

    def before(self, name, *arguments):
        super().before(name, *arguments)
        number = len(self.operations) - 1
        if number == self.at or (self.is_lasting and number > self.at):
            self.has_failed = True
            if name == "write":
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise OSError(self.code, os.strerror(self.code))


class DyingDisk(CountingDisk):
    """Ends the process at operation number ``at``; a write is torn in the middle."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def before(self, name, *arguments):
        super().before(name, *arguments)
        if len(self.operations) - 1 == self.at:
            if name == "write":
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os._exit(77)
