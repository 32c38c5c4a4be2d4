"""What is remembered is what was worked out for just that key."""

from service.dashboard.memory import MOST_REMEMBERED, Memory


def test_a_figure_is_worked_out_once_for_each_key():
    asked = []
    memory = Memory()

    def work_out(key):
        return memory.get(key, lambda: asked.append(key) or f"figure {key}")

    assert [work_out(key) for key in (1, 2, 1)] == ["figure 1", "figure 2", "figure 1"]
    assert asked == [1, 2]


def test_old_figures_are_forgotten_and_those_in_use_are_not():
    memory = Memory()
    memory.get("in use", lambda: "first")
    for key in range(MOST_REMEMBERED * 2):
        memory.get(key, lambda: "another")
        assert memory.get("in use", lambda: "second") == "first"
    assert memory.get(0, lambda: "worked out again") == "worked out again"
