"""Records that tests derive from others."""

import dataclasses


def first_steps(record, count):
    """The record as it was after so many steps."""
    maps = {
        name: dataclasses.replace(getattr(record, name), codes=getattr(record, name).codes[:count])
        for name in ("entropy", "sigma", "log_probabilities")
    }
    return dataclasses.replace(
        record,
        steps=record.steps[:count],
        labels=record.labels[:count],
        selected=record.selected[:count],
        complete=False,
        **maps,
    )
