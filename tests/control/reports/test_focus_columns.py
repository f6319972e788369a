"""The columns are those of the specification, in its order, and ours after them."""

from tests.control.reports.focus_checker import LIST

from triplegate.control.reports.focus_columns import COLUMNS, VERSION


def test_all_57_columns_are_there_and_ours_begin_with_x() -> None:
    names = [column.name for column in COLUMNS]
    assert VERSION == "1.2"
    assert len(LIST) == 57
    assert names[:57] == list(LIST)
    assert names[57:] == sorted(names[57:])
    assert all(name.startswith("x_") for name in names[57:])


def test_types_are_those_of_the_specification() -> None:
    kinds = {"decimal": "Decimal", "moment": "DateTime", "text": "String"}
    for column in COLUMNS[:57]:
        asked = {"Currency": "String", "Object": "String"}.get(LIST[column.name][0], LIST[column.name][0])
        assert kinds[column.kind] == asked, column.name
