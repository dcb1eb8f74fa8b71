from latentseg_gui.document.wording import in_quotes, listed, percent


def test_a_few_names_are_listed_and_of_many_the_first():
    assert listed([]) == ""
    assert listed(in_quotes(["leaf"])) == "“leaf”"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listed([str(number) for number in range(2000)], few=2) == "0, 1 and 1,998 more"


def test_shares_are_written_alike_and_what_is_there_is_not_nothing():
    assert [percent(share) for share in (0.0, 0.001, 0.006, 0.86, 1.0)] == [
        "0 %",
        "< 1 %",
        "1 %",
        "86 %",
        "100 %",
    ]
    assert [percent(share, 1) for share in (0.0, 0.0004, 0.0005, 0.9996)] == [
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "100.0 %",
    ]
    assert percent(-0.25, is_signed=True) == "-25 %"
    assert percent(0.0004, 1, is_signed=True) == "+0.0 %"
