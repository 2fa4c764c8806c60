from benchmarks import pages
from benchmarks.sets import SETS
from tamis.segmentors import DEFAULT


def test_the_page_of_results_is_made_of_the_summaries_on_record() -> None:
    assert pages.PAGE.read_text(encoding="utf-8") == pages.page()
    assert pages.README.read_text(encoding="utf-8") == pages.readme()
    assert pages.TEAM.read_text(encoding="utf-8") == pages.team()
    assert pages.RETRIEVE.read_text(encoding="utf-8") == pages.retrieve()
    assert pages.PERSONALIZE.read_text(encoding="utf-8") == pages.personalize()


def test_every_set_has_the_default_segmentor_measured() -> None:
    for place in SETS:
        assert place.file(DEFAULT).exists(), f"run python -m benchmarks.quality {DEFAULT} --only {place.folder}"
