"""Model: what the network is, what it costs here, and where the limits are."""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.actions import server
from pages.actions.launch import said
from pages.actions.page_start import say
from pages.state import controls, session
from pages.state.text import plain
from segviz.adapt import VARIABLES
from segviz.adapt.episode import MAX_INPUT
from segviz.adapt.parameters import count_parameters
from segviz.adapt.settings import LIMITS
from segviz.data import decode
from segviz.jobs.history import MAX_BYTES, MAX_RUNS
from segviz.jobs.limits import APP_LIMITS
from segviz.jobs.queue import Job
from segviz.profiling.timing import STEPS, measure_times
from segviz.profiling.workload import benchmark_photo
from segviz.runs.provenance import environment
from segviz.runtime.free_memory import available_bytes, format_bytes

PAGE = "model"
now = session.session()
now.opened = True
trained = server.trained(controls.get("checkpoint"))
card = trained.card


class Measurement:
    """The benchmark as work for a job."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.size = benchmark_photo().shape[:2]
        self.outcome: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.outcome = measure_times(
            trained.network, benchmark_photo(), self.scale, repeats=3, with_baselines=False
        )
        yield self.outcome


def table(title: str, rows: dict[str, object]) -> None:
    """Names and values, one pair a row."""
    st.markdown(f"**{title}**")
    st.table(
        [{"": name, " ": plain(value)} for name, value in rows.items() if value is not None],
        hide_index=True,
        hide_header=True,
        border="horizontal",
    )


def measure() -> None:
    """Start to measure, at the scale of the controls."""
    now.measured = Job(Measurement(controls.settings().scale), idle_timeout=120).start()


def cost() -> None:
    """The measured cost, or how far the measurement is."""
    job = now.measured
    if job is not None:
        job.keep_alive()
    if job is not None and not job.done:
        waiting = f"{job.position} ahead of you" if job.position else "measuring"
        st.progress(0.0, f"Forward pass and steps: {waiting}")
        return
    if job is not None and job.error is not None:
        st.error(said(job.error), icon=":material/error:")
    outcome = job.work.outcome if job is not None else None
    if outcome is None:
        st.caption("Not measured yet.")
        return
    times = outcome["times"]
    first, second, third = st.columns(3)
    for place, name, title, digits, help in (
        (first, "forward", "Forward pass, ms", 0, "Backbone to scale space, once for each photo."),
        (second, "step", "One step, ms", 1, "Update and prediction, without the maps."),
        (third, "episode", f"{STEPS} steps, ms", 0, "The whole run: forward pass, steps and maps."),
    ):
        ms = times[name]
        place.metric(title, f"{ms['median']:.{digits}f}", help=f"{help} Median of 3.")
        place.caption(f"{ms['least']:.{digits}f} to {ms['most']:.{digits}f} ms")
    height, width = job.work.size
    st.caption(
        f"A step costs 1 / {1 / outcome['ratios']['step / forward']:.0f} of the forward pass, where"
        f" the paper reports about 1 / 10; all of it"
        f" {outcome['ratios']['episode / feedforward']:.2f} times feedforward. Measured on the"
        f" cat, {width} x {height}, at {job.work.scale:g}x."
    )
    st.bar_chart(
        [
            {"part": part.removeprefix("step: "), "ms": times[part]["median"]}
            for part in ("backbone", "aggregation", "scale space")
        ]
        + [
            {"part": f"{STEPS} x {part.removeprefix('step: ')}", "ms": STEPS * ms["median"]}
            for part, ms in times.items()
            if part.startswith("step: ") or part == "maps"
        ],
        x="part",
        y="ms",
        horizontal=True,
        sort="-ms",
        height=380,  # less, and every other name is left out
    )


def watched() -> None:
    """The cost, looked at again and again while it is measured."""
    job = now.measured
    if job is not None and job.done and not st.session_state.get("model_seen_over", True):
        st.session_state.model_seen_over = True
        st.rerun()
    cost()


say(PAGE)
where = environment(trained)
left, right = st.columns(2, gap="large")
with left:
    network = card["architecture"]
    table(
        f"Network {plain(trained.name)}",
        {
            "Backbone": f"{network['backbone']}, output stride {network.get('output_stride')}",
            "Features": f"{network['channels']} channels at stride {network['stride']}",
            "Receptive field": f"dynamic Gaussian, {network['levels']} levels, sigma up to"
            f" {trained.network.architecture.sigmas[-1] * network['stride']:g} input px",
            "Classes": f"{network['classes']}: {', '.join(card.get('classes', ()))}",
            "Parameters": f"{card['parameters']:,}",
            "SHA-256": f"{trained.sha256[:32]} {trained.sha256[32:]}",  # cells do not wrap words
            "Licence": card.get("licence"),
        },
    )
    table(
        "Where it comes from",
        {
            "Origin": card.get("origin"),
            "Training data": ", ".join(f"{k} {v}" for k, v in (card.get("data") or {}).items())
            or None,
            "Command": card.get("command"),
            "Commit": card.get("commit"),
        },
    )
with right:
    st.markdown("**Cost here**")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Measure",
            key="model_measure",
            icon=":material/timer:",
            on_click=measure,
            disabled=now.measured is not None and not now.measured.done,
            help="Times forward passes and steps at the scale of the controls, in the queue with"
            " everybody's runs.",
        )
        threads = where["threads"]
        st.caption(
            f"{plain(where['device'])}, {threads} thread{'s' if threads > 1 else ''},"
            f" torch {plain(where['torch'])}"
        )
    busy = now.measured is not None and not now.measured.done
    st.session_state.model_seen_over = not busy
    st.fragment(watched, run_every=0.5 if busy else None)()
    total = count_parameters(trained.network)
    st.markdown("**What is adapted**")
    st.dataframe(
        [
            {
                "Variables": name,
                "What": VARIABLES[name],
                "Parameters": count,
                "Of all": 100 * count / total["all"],
            }
            for name, count in total.items()
        ],
        hide_index=True,
        column_config={
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "Of all": st.column_config.NumberColumn(format="%.3g %%"),
        },
    )
    measured = card.get("measured") or {}
    if measured.get("results"):
        st.markdown(
            f"**Measured** :gray[feedforward, VOC {plain(measured.get('split', ''))},"
            f" {measured.get('images', 0):,} images]"
        )
        st.dataframe(
            [
                {
                    "Scale": row["scale"],
                    "mIoU, %": 100 * row["miou"],
                    "Accuracy, %": 100 * row["accuracy"],
                    "Entropy, nats": row.get("entropy"),
                    "Sigma, input px": row.get("sigma"),
                }
                for row in measured["results"]
                if row.get("method") == "feedforward"
            ],
            hide_index=True,
            column_config={
                "Scale": st.column_config.NumberColumn(format="%gx"),
                "mIoU, %": st.column_config.NumberColumn(format="%.1f"),
                "Accuracy, %": st.column_config.NumberColumn(format="%.1f"),
                "Entropy, nats": st.column_config.NumberColumn(format="%.3f"),
                "Sigma, input px": st.column_config.NumberColumn(format="%.1f"),
            },
        )
    free = available_bytes(trained.network.score_weight.device)
    table(
        "Limits",
        {
            "Network input": f"{MAX_INPUT / 1e6:g} million pixels",
            "Memory": ("" if free is None else f"{format_bytes(free, up=False)} are free; ")
            + "what a run takes is counted before it starts, tensor by tensor",
            "Scale": "{:g} to {:g}".format(*APP_LIMITS["scale"]),
            "Steps": f"up to {APP_LIMITS['steps'][1]:g} here,"
            f" {LIMITS['steps'][1]} on the command line",
            "Upload": f"{decode.MAX_BYTES / 1e6:g} MB and {decode.MAX_PIXELS / 1e6:g} million"
            " pixels; brought to VOC's resolution, long side 500",
            "Runs kept": f"{MAX_RUNS} or {MAX_BYTES / 1e6:g} MB a visit",
            "At work": "one run at a time for all visitors",
        },
    )
if card.get("training"):
    with st.expander("Training", icon=":material/school:"):
        table("Settings of the training", card["training"])
