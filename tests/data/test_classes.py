from segviz.data.classes import CLASSES, IGNORE


def test_classes():
    assert len(CLASSES) == 21
    assert CLASSES[0] == "background" and CLASSES[-1] == "tvmonitor"
    assert sorted(CLASSES[1:]) == list(CLASSES[1:])
    assert IGNORE == 255
