import json
import pickle
import random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pdekit.errors import FormatError
from pdekit.models.fno import FNOConfig, FourierOperator
from pdekit.space.grid import Grid
from pdekit.training.checkpoint import State, load_state, save_state, seeded
from pdekit.training.optim import make_optimizer
from pdekit.training.settings import Optimizer


def trained(seed=0, steps=3, width=4):
    torch.manual_seed(seed)
    net = FourierOperator(FNOConfig(n_modes=(4, 4), width=width, depth=2), 1, 1, Grid.make([8, 8]))
    optimizer = make_optimizer(Optimizer(learning_rate=1e-2), net.parameters())
    for _ in range(steps):
        step(net, optimizer)
    return net, optimizer


def step(net, optimizer):
    optimizer.zero_grad()
    net(torch.randn(2, 1, 8, 8)).square().mean().backward()
    optimizer.step()


def bits(net, optimizer):
    moments = optimizer.state_dict()["state"]
    return [v.detach().numpy().tobytes() for v in net.state_dict().values()] + [
        np.asarray(v).tobytes() for i in sorted(moments) for _, v in sorted(moments[i].items())
    ]


def test_everything_comes_back_and_the_next_step_is_the_same(tmp_path):
    net, optimizer = trained()
    state = State(epoch=2, step=7, best_epoch=1, best_value=0.25, seconds=3.5)
    save_state(tmp_path / "last.safetensors", net, optimizer, state)
    drawn = [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002 - the global one is what is kept
    other, its_optimizer = trained(seed=1, steps=1)
    assert load_state(tmp_path / "last.safetensors", other, its_optimizer) == state
    assert bits(other, its_optimizer) == bits(net, optimizer)
    assert drawn == [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002
    for pair in ((net, optimizer), (other, its_optimizer)):
        torch.manual_seed(5)
        step(*pair)
    assert bits(other, its_optimizer) == bits(net, optimizer)


def test_the_file_is_tensors_and_json_that_other_programs_read(tmp_path):
    net, optimizer = trained()
    save_state(tmp_path / "last.safetensors", net, optimizer, State(epoch=1))
    tensors = load_file(tmp_path / "last.safetensors")
    names = {k[8:] for k in tensors if k.startswith("network.")}
    assert names == set(net.state_dict())
    assert {k.rpartition(".")[2] for k in tensors if k.startswith("optimizer.")} == {"step", "exp_avg", "exp_avg_sq"}
    raw = (tmp_path / "last.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert json.loads(header["__metadata__"]["pdekit"])["state"]["epoch"] == 1


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    save_state(tmp_path / "last.safetensors", *trained(width=8), State())
    with pytest.raises(FormatError, match=r"does not fit this run[\s\S]*another folder"):
        load_state(tmp_path / "last.safetensors", *trained())


def test_a_pickled_checkpoint_is_refused_unread(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    path = tmp_path / "last.safetensors"
    for content in (pickle.dumps(Bomb()), None):
        if content is None:
            torch.save({"network": torch.zeros(2)}, path)
        else:
            path.write_bytes(content)
        with pytest.raises(FormatError, match=r"not a checkpoint of pdekit[\s\S]*pickled checkpoints are never loaded"):
            load_state(path, *trained())


def test_no_file_of_the_package_loads_pickles():
    """`torch.load` and `pickle` appear nowhere in models and training."""
    from pathlib import Path

    import pdekit

    root = Path(pdekit.__file__).parent
    for room in ("models", "training"):
        for path in (root / room).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "torch.load(" not in text, path
            assert "import pickle" not in text, path


def test_seeded_puts_the_generators_back():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with seeded(3):
        inside = [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(3):
        assert inside == [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002
    with seeded(4):
        assert inside != [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002
