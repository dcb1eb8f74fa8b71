from latentseg_gui.document.wording import in_quotes, listed


def test_a_few_names_are_listed_and_of_many_the_first():
    assert listed([]) == ""
    assert listed(in_quotes(["leaf"])) == "“leaf”"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listed([str(number) for number in range(2000)], few=2) == "0, 1 and 1,998 more"
