"""Background jobs: lanes in threads and in child processes. Knows neither torch nor the document.

Import from the modules (`lanes`, `events`): this package stays empty so that a child process,
which passes through it, does not load Qt.
"""
