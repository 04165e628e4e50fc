"""What a drawn figure holds."""

from bench.reporting.figures.picture import Picture


def only(made):
    """The picture, where there must be one and no more."""
    (picture,) = made
    assert isinstance(picture, Picture), picture
    return picture


def texts(ax):
    """What is written inside the axes."""
    return [text.get_text() for text in ax.texts]


def lines(ax):
    """Lines with the name of a model, by name."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
