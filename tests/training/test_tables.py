from pathlib import Path

from tamis.training.tables import append_row, best_score, cut_after, read_rows


def test_a_table_cut_and_written_again_is_the_same_text(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    rows = [{"step": 20 * k, "loss": 1 / (k + 3), "skipped": 0} for k in range(5)]
    for row in rows:
        append_row(whole, row)
        append_row(cut, row)
    cut_after(cut, 40)
    assert [row["step"] for row in read_rows(cut)] == [0, 20, 40]
    for row in rows[3:]:
        append_row(cut, row)
    assert cut.read_text() == whole.read_text()


def test_a_last_line_that_a_kill_cut_off_heals(tmp_path: Path) -> None:
    file = tmp_path / "validation.csv"
    append_row(file, {"step": 20, "miou": 0.5})
    with file.open("a") as stream:
        stream.write("40,0.")
    assert best_score(file, "miou") == 0.5
    cut_after(file, 100)
    append_row(file, {"step": 40, "miou": 0.75})
    assert [row["miou"] for row in read_rows(file)] == [0.5, 0.75]


def test_nothing_is_left_of_a_table_that_begins_later(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    append_row(file, {"step": 20, "loss": 1.0})
    cut_after(file, 0)
    assert not file.exists()
    assert best_score(file, "miou") == 0
