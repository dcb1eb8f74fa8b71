"""Modules that can be called like the function that they are about."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def call_like(name: str, function: Callable[..., Any]) -> None:
    """Make the imported module ``name`` callable.

    A package may offer a function under the name of the module that it is in. Then one of them hides the other,
    which one depends on what was imported first, unless they are one thing: `from package import name` gives what
    can be called, `import package.name` what has all the other names.
    """

    class CalledModule(ModuleType):
        __signature__ = inspect.signature(function)

        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return function(*arguments, **options)

    sys.modules[name].__class__ = CalledModule
