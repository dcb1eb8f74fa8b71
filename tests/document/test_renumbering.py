import numpy as np

from latentseg_gui.document.renumbering import predicted_labels
from latentseg_gui.document.types import UNLABELLED, Prediction


def test_predicted_classes_that_the_new_table_does_not_have_become_background():
    labels = np.array([[0, 1, 2, 3]], np.uint8)
    table = np.arange(256).astype(np.uint8)
    table[1] = UNLABELLED
    found = predicted_labels(Prediction("a", "v1", labels, labels), table, 3)
    assert found.tolist() == [[0, 0, 2, 0]], "there are 0, 1 and 2; what is not labelled is no prediction"
