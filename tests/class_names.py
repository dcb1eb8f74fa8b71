"""Words that people name their classes by."""

WORDS = (
    "\u0645\u06cc\N{ZERO WIDTH NON-JOINER}\u062e\u0648\u0627\u0647\u0645",  # Persian
    "\u0915\u094d\N{ZERO WIDTH JOINER}\u0937",  # Hindi
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}",
    "cell\N{NO-BREAK SPACE}wall",
    "\u7d30\u80de\N{IDEOGRAPHIC SPACE}\u58c1",
    "\u05ea\u05d0 (T)\N{RIGHT-TO-LEFT MARK}",
    "a/b\\c: d, e # f = [g] {h} \"i\" 'j' | k; l",
    "../../x",
    "\U0001fae8 younger than some Pythons",
    "# 1",
    "- x: 1::",
    "=1+1",
)
