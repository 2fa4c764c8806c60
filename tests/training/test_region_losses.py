import pytest

torch = pytest.importorskip("torch")

from tamis.errors import InputError  # noqa: E402
from tamis.training import losses  # noqa: E402
from tamis.training.region_losses import DEFAULT_TERMS, NAMES, click_ious, click_losses, parse_terms  # noqa: E402

LOGITS = torch.tensor([[2.0, -1.0, 0.5]])
TARGETS = torch.tensor([[1.0, 0.0, 0.0]])
AREAS = torch.tensor([[0.5, 0.3, 0.2]])


def test_terms_are_summed_with_their_weights() -> None:
    expected = losses.pairwise_bce(LOGITS, TARGETS, AREAS) + 2 * losses.soft_iou(LOGITS, TARGETS, AREAS)
    torch.testing.assert_close(click_losses(LOGITS, TARGETS, AREAS, None, DEFAULT_TERMS), expected)


def test_every_name_is_a_loss_with_a_gradient() -> None:
    for name in NAMES:
        logits = LOGITS.clone().requires_grad_()
        loss = click_losses(logits, TARGETS, AREAS, TARGETS[:, None], ((name, 1.0),))
        assert loss.shape == (1,)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert gradient.abs().sum() > 0


def test_the_iou_at_one_half_by_hand() -> None:
    # Regions 0 and 2 are answered, region 0 is right: .5 / (.5 + .2).
    assert click_ious(LOGITS, TARGETS, AREAS).tolist() == pytest.approx([0.5 / 0.7])


@pytest.mark.parametrize("text", ["dice", "bce=x", "iou=-1", "iou=0"])
def test_what_is_no_loss_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="loss"):
        parse_terms([text])


def test_no_terms_are_the_recipes_own() -> None:
    assert parse_terms([]) == DEFAULT_TERMS
