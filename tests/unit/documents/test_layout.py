"""Reading order: columns stay columns, cells of a table go to their row."""

from services.documents.steps.layout import Word, parse_tsv, reading_order


def line(block: int, number: int, text: str, left: int, top: int, *, paragraph: int = 1) -> list[Word]:
    """Words of 10 pixels a letter and 20 pixels of height."""
    words = []
    for word in text.split():
        right = left + 10 * len(word)
        words.append(Word(block, paragraph, number, left, top, right, top + 20, 90.0, word))
        left = right + 10
    return words


def test_amounts_that_were_taken_for_a_column_go_to_their_rows() -> None:
    words = [
        *line(1, 1, "12 Ordner A4, grün", 100, 100),
        *line(1, 2, "40 Hängeregister mit Reiter", 100, 140),
        *line(1, 3, "Total CHF", 100, 180),
        *line(2, 1, "46.80", 800, 103),
        *line(2, 2, "58.00", 800, 142),
        *line(2, 3, "104.80", 790, 181),
    ]
    assert reading_order(words) == "\n".join(
        ["12 Ordner A4, grün   46.80", "40 Hängeregister mit Reiter   58.00", "Total CHF   104.80"]
    )


def test_three_columns_of_cells_stay_in_order() -> None:
    words = [
        *line(1, 1, "Ordner A4 grün breit", 100, 100),
        *line(1, 2, "Kopierpapier weiss 80 g", 100, 140),
        *line(2, 1, "12", 500, 100),
        *line(2, 2, "5", 500, 140),
        *line(3, 1, "46.80", 800, 100),
        *line(3, 2, "112.50", 800, 140),
    ]
    assert reading_order(words) == "Ordner A4 grün breit   12   46.80\nKopierpapier weiss 80 g   5   112.50"


def test_the_columns_of_a_newspaper_are_read_one_after_the_other() -> None:
    left = [
        *line(1, 1, "this is the left column of", 100, 100),
        *line(1, 2, "a page of some newspaper", 100, 140),
    ]
    right = [
        *line(2, 1, "and here is the right one", 500, 100),
        *line(2, 2, "which comes after it all", 500, 140),
    ]
    assert reading_order([*left, *right]) == (
        "this is the left column of\na page of some newspaper\n\n"
        "and here is the right one\nwhich comes after it all"
    )


def test_an_address_that_stands_level_with_nothing_keeps_its_place() -> None:
    words = [
        *line(1, 1, "Kern Treuhand", 700, 100),
        *line(1, 2, "Musterlingen", 700, 140),
        *line(2, 1, "Sehr geehrte Damen und Herren", 100, 400),
    ]
    assert reading_order(words) == "Kern Treuhand\nMusterlingen\n\nSehr geehrte Damen und Herren"


def test_paragraphs_are_parted_by_an_empty_line() -> None:
    words = [*line(1, 1, "first", 100, 100), *line(1, 1, "second", 100, 200, paragraph=2)]
    assert reading_order(words) == "first\n\nsecond"


def test_an_empty_page_has_an_empty_text() -> None:
    assert reading_order([]) == ""


def test_only_words_are_taken_from_the_tsv() -> None:
    header = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    tsv = "\n".join(
        [
            header,
            "1\t1\t0\t0\t0\t0\t0\t0\t2480\t3508\t-1\t",
            "5\t1\t2\t1\t3\t1\t100\t200\t50\t20\t96.5\tTotal",
            "5\t1\t2\t1\t3\t2\t160\t200\t50\t20\t95.0\t ",
        ]
    )
    assert parse_tsv(tsv) == [Word(2, 1, 3, 100, 200, 150, 220, 96.5, "Total")]
