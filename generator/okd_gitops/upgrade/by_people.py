"""What people have written, or not written yet, and what keeps a cluster from a release for that."""

from okd_gitops.times import time_text
from okd_gitops.upgrade.question import Answer, Question, Way


def force_is_not_for_this_cluster(question: Question) -> Answer | None:
    return Answer() if question.way == Way.FORCE and question.cluster.purpose != "ephemeral" else None


def acknowledgement_is_missing(question: Question) -> Answer | None:
    needed = set(question.hop.acks) if question.hop else set()
    missing = sorted(needed - question.cluster.acks - question.acks)

    if not missing:
        return None

    return Answer(f"({', '.join(missing)})", values=(("NAME", " --ack ".join(missing)),))


def proposal_was_closed(question: Question) -> Answer | None:
    """What a person closed stays closed for the release until a person opens it again."""
    note = question.closed

    if note is None or note.closed is None:
        return None

    detail = f"({note.branch}, since {time_text(note.closed)})"

    return Answer(detail, values=(("CLUSTER", note.cluster),))


def emergency_stands(question: Question) -> Answer | None:
    """A cluster with an emergency is left alone until a person removes it."""
    return Answer(f"({question.cluster.emergency})") if question.cluster.emergency else None


def cluster_is_held(question: Question) -> Answer | None:
    return Answer(f"({question.cluster.hold})") if question.cluster.hold else None


def fleet_is_frozen(question: Question) -> Answer | None:
    return Answer(f"({question.freeze})") if question.freeze else None


def outside_the_window(question: Question) -> Answer | None:
    window = question.cluster.window

    if window is None or window.contains(question.now):
        return None

    return Answer(until=window.opens(question.now))
