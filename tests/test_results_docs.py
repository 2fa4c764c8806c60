from benchmarks import quality
from tamis.segmentors import DEFAULT


def test_the_page_of_results_is_made_of_the_summaries_on_record() -> None:
    assert quality.PAGE.read_text(encoding="utf-8") == quality.page()
    assert quality.README.read_text(encoding="utf-8") == quality.readme()


def test_every_set_has_the_default_segmentor_measured() -> None:
    for place in quality.SETS:
        assert place.file(DEFAULT).exists(), f"run python -m benchmarks.quality {DEFAULT} --only {place.folder}"
