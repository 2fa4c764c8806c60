from pathlib import Path

from tamis.render.page import figure, write_page


def test_a_page_holds_its_title_as_plain_text(tmp_path: Path) -> None:
    write_page(tmp_path / "index.html", "a < b & $c", "<p>body</p>")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("a &lt; b &amp; $c") == 2
    assert "<p>body</p>" in page


def test_a_picture_of_any_name_can_be_reached() -> None:
    assert 'src="pictures/50%25%20%231%3F.jpg"' in figure("pictures/50% #1?.jpg", "<caption>")
    assert "&lt;caption&gt;" in figure("a.jpg", "<caption>")
