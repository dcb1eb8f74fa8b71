"""One module for each flow: `build` makes its controllers and connects them to the flows that were built before.

A controller connects itself to its own view and to the document; that one controller hears another, or an action
of the window, is said here and nowhere else.
"""
