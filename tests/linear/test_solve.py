"""The one door: what goes in, what comes out, in which shape and type; batches; tensors; what is refused and how."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import LinearOperator

from pdekit.errors import BadInput
from pdekit.linear import Stop, solve
from pdekit.linear.batched import batched_cg
from pdekit.linear.choice import PRECONDITIONERS
from pdekit.linear.methods import METHODS
from pdekit.linear.multigrid import MultigridCycle
from pdekit.solution import Status
from pdekit.space.diffusion import diffusion
from pdekit.space.grid import Grid

GRID = Grid.make((24, 16), boundary="dirichlet")
A = np.exp(0.5 * np.random.default_rng(0).normal(size=(16, 24, 16)))
B = np.random.default_rng(1).normal(size=(16, 24, 16))
OP = diffusion(GRID, A[0])[0]
EXACT = np.linalg.solve(OP.to_csr().toarray(), B[0].ravel()).reshape(OP.shape)


@pytest.mark.parametrize("precond", ["auto", "none", *PRECONDITIONERS])
def test_every_preconditioner_by_name(precond):
    s = solve(OP, B[0], precond=precond)
    assert s.status is Status.CONVERGED
    np.testing.assert_allclose(s.values, EXACT, rtol=0, atol=1e-7 * np.abs(EXACT).max())
    name = "multigrid" if precond == "auto" else precond
    assert s.info["preconditioner"] == name
    assert s.info["method"] == ("cg" if precond == "none" else f"pcg-{name}")
    assert s.setup_seconds >= 0
    assert s.seconds > 0


@pytest.mark.parametrize("method", ["auto", *sorted(set(METHODS) - {"fast-poisson"})])
@pytest.mark.parametrize("store", [lambda op: op, lambda op: op.to_csr(), lambda op: sp.coo_matrix(op.to_csr())])
def test_every_method_and_storage(method, store):
    op = store(OP)
    b = B[0] if op is OP else B[0].ravel()
    if method == "multigrid" and op is not OP:
        with pytest.raises(BadInput, match="a matrix without a grid"):
            solve(op, b, method=method)
        return
    s = solve(op, b, method=method)
    assert s.status is Status.CONVERGED
    assert s.values.shape == b.shape
    np.testing.assert_allclose(s.values.reshape(OP.shape), EXACT, rtol=0, atol=1e-7 * np.abs(EXACT).max())


def test_a_linear_operator_is_used_as_it_is():
    s = solve(OP.as_linear_operator(), B[0].ravel(), spd=True)
    assert s.status is Status.CONVERGED
    assert "no preconditioner" in s.info["note"]
    assert s.steps == solve(OP, B[0], precond="none").steps
    wide = LinearOperator((384, 384), matvec=lambda v: OP.to_csr() @ v, dtype=np.float64)
    other = solve(wide, B[0].ravel())
    assert other.info["method"] == "minres"
    np.testing.assert_allclose(other.values, s.values, rtol=0, atol=1e-6)


def test_auto_says_why_it_took_amg():
    matrix = solve(OP.to_csr(), B[0].ravel())
    assert matrix.info["method"] == "pcg-amg"
    assert "a matrix without a grid" in matrix.info["note"]
    odd = diffusion(Grid.make((49, 49), boundary="dirichlet"), 1.0)[0]
    s = solve(odd, np.ones((49, 49)))
    assert s.info["method"] == "pcg-amg"
    assert "(49, 49) intervals leave 2401 unknowns" in s.info["note"]


@pytest.mark.parametrize("method", ["cg", "direct", "multigrid"])
def test_a_batch_is_its_systems_one_by_one(method):
    batch = solve(OP, B, method=method)
    assert batch.values.shape == B.shape
    assert batch.status == [Status.CONVERGED] * 16
    for i in (0, 7, 15):
        one = solve(OP, B[i], method=method)
        np.testing.assert_array_equal(batch.values[i], one.values)
        assert batch.steps[i] == one.steps
        np.testing.assert_array_equal(batch.residuals[i], one.residuals)
    again = solve(OP, B, x0=batch.values)
    assert list(again.steps) == [0] * 16
    assert solve(OP, B[:1]).values.shape == (1, 24, 16)
    flat = solve(OP.to_csr(), B[:3].reshape(3, -1), precond="jacobi")
    np.testing.assert_allclose(flat.values.reshape(3, 24, 16), batch.values[:3], rtol=0, atol=1e-6)
    assert solve(OP.to_csr(), B[:1].reshape(1, -1), precond="none").values.shape == (1, 384)


def test_types_come_back_as_they_went_in():
    b = B[0].copy()
    x = solve(OP, b)
    assert x.values.dtype == np.float64
    np.testing.assert_array_equal(b, B[0])
    assert solve(OP, np.ones((24, 16), np.int64)).values.dtype == np.float64
    single = solve(OP.astype(np.float32), B[0].astype(np.float32), stop=Stop(rtol=1e-4))
    assert single.values.dtype == np.float32
    assert single.status is Status.CONVERGED
    swapped = solve(OP, np.asfortranarray(B[0]))
    np.testing.assert_array_equal(swapped.values, x.values)


@pytest.mark.parametrize("precond", ["none", "jacobi"])
@pytest.mark.parametrize("shared", [True, False])
def test_tensors_are_solved_together_as_one_by_one(shared, precond):
    """16 systems: same counts +-1, x to 1e-7; one that is hard does not alter the others."""
    a = A.copy()
    a[3] **= 3
    a = a[0] if shared else a
    op = diffusion(GRID, torch.tensor(a))[0]
    s = solve(op, torch.tensor(B), precond=precond)
    assert isinstance(s.values, torch.Tensor)
    assert s.values.dtype == torch.float64
    assert s.residuals.shape == (max(s.steps) + 1, 16)
    for i in range(16):
        one = solve(diffusion(GRID, a if shared else a[i])[0], B[i], precond=precond)
        assert s.status[i] is one.status is Status.CONVERGED
        allowed = max(1, round(one.steps / 100))  # without a preconditioner rounding moves some 200 steps by one or two
        assert abs(s.steps[i] - one.steps) <= allowed
        error = np.linalg.norm(s.values[i].numpy() - one.values)
        assert error <= 1e-7 * np.linalg.norm(one.values)
        assert s.true_residual[i] <= 1e-8 * (1 + 1e-3)
        k = 20  # further on, rounding sets apart what two orders of summation give
        np.testing.assert_allclose(s.residuals[:k, i], one.residuals[:k], rtol=1e-6)
        assert np.isfinite(s.residuals[: s.steps[i] + 1, i]).all()
        assert np.isnan(s.residuals[s.steps[i] + 1 :, i]).all()
    if not shared:
        easy = np.delete(s.steps, 3)
        assert s.steps[3] > 1.15 * easy.max()
        alone = solve(
            diffusion(GRID, torch.tensor(np.delete(a, 3, 0)))[0], torch.tensor(np.delete(B, 3, 0)), precond=precond
        )
        np.testing.assert_array_equal(alone.steps, easy)


def test_one_tensor_and_a_start():
    op = diffusion(GRID, torch.tensor(A[0]))[0]
    s = solve(op, torch.tensor(B[0]))
    assert s.status is Status.CONVERGED
    assert s.values.shape == (24, 16)
    np.testing.assert_allclose(s.values.numpy(), EXACT, rtol=0, atol=1e-7 * np.abs(EXACT).max())
    again = solve(op, torch.tensor(B[0]), x0=s.values)
    assert (again.status, again.steps) == (Status.CONVERGED, 0)
    from_r0 = solve(op, torch.tensor(B[0]), x0=s.values, stop=Stop(rtol=1e-2, relative_to="r0"))
    assert from_r0.steps > 0


def test_tensors_in_float32():
    op = diffusion(GRID, torch.tensor(A[0], dtype=torch.float32))[0]
    s = solve(op, torch.tensor(B, dtype=torch.float32), stop=Stop(rtol=1e-4))
    assert s.values.dtype == torch.float32
    assert s.converged


def refused(text, op=OP, b=B[0], **options):
    with pytest.raises(BadInput, match=rf"(?s){text}"):
        solve(op, b, **options)


def test_names_that_do_not_exist():
    refused("no method of solve named 'cgg'.*did you mean 'cg'", method="cgg")
    refused("no preconditioner named 'multigird'.*did you mean 'multigrid'", precond="multigird")


@pytest.mark.parametrize("shape", [(16, 24), (384,), (24, 17), (2, 3, 24, 16), (384, 1), (3, 384), ()])
def test_right_hand_sides_that_do_not_fit(shape):
    refused(
        r"right-hand side does not fit.*found: shape.*allowed: \(24, 16\), or \(n, 24, 16\) for n", b=np.ones(shape)
    )


def test_right_hand_sides_that_do_not_fit_a_matrix():
    refused(r"does not fit.*allowed: \(384,\), or \(n, 384\) for n", op=OP.to_csr(), b=np.ones(383))


def test_what_else_cannot_be_used():
    refused("right-hand side is no array.*list", b=[1.0, 2.0])
    refused("right-hand side is not real.*complex128", b=B[0] + 1j)
    refused("x0 does not fit.*\\(24,\\).*\\(24, 16\\)", x0=np.ones(24))
    refused("x0 is not real.*complex128", x0=B[0] + 1j)
    refused("A of a linear system cannot be used.*ndarray.*StencilOperator", op=np.eye(384))
    refused("not square.*\\(384, 2\\)", op=sp.csr_array((384, 2)))
    refused("A of a linear system is complex", op=OP.to_csr() * 1j, b=B[0].ravel())
    refused('nullspace of a linear system.*"constant"', nullspace="mean")
    refused("wrong shape.*\\(3, 1\\).*\\(384, k\\)", nullspace=np.ones((3, 1)))
    refused("not orthonormal.*numpy.linalg.qr", nullspace=np.ones((384, 1)))
    refused("linear and symmetric.*multigrid.*symmetric=True", precond=MultigridCycle(symmetric=False).setup(OP))
    refused("cycles without CG test the residual only.*natural", method="multigrid", stop=Stop(norm="natural"))


def test_what_a_batch_of_tensors_cannot_be():
    op, b = diffusion(GRID, torch.tensor(A[0]))[0], torch.tensor(B)
    refused("tensors are solved by batched CG only.*direct", op=op, b=b, method="direct")
    refused("batched CG needs a StencilOperator.*csr_array", op=OP.to_csr(), b=b)
    refused('preconditioner of batched CG.*"none", "jacobi"', op=op, b=b, precond="amg")
    refused("batched CG tests the residual only.*natural", op=op, b=b, stop=Stop(norm="natural"))
    refused(r"does not fit.*\(16, 16, 24\).*\(24, 16\), or", op=op, b=b.swapaxes(1, 2))
    refused("x0 does not fit", op=op, b=b, x0=b[0])
    closed = diffusion(Grid.make((24, 16), boundary="neumann"), torch.tensor(A[0]))[0]
    refused("cannot take out a null space", op=closed, b=b)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rtol": -1e-8}, "rtol of a solver.*-1e-08.*>= 0"),
        ({"rtol": float("nan")}, "rtol.*nan"),
        ({"rtol": True}, "rtol.*True"),
        ({"rtol": 1.0}, "met by the zero vector"),
        ({"atol": -1.0}, "atol"),
        ({"max_steps": -1}, "max_steps.*integer >= 0"),
        ({"max_steps": 2.5}, "max_steps"),
        ({"relative_to": "x"}, 'relative_to.*"b", "r0"'),
        ({"norm": "energy"}, "norm.*residual, preconditioned, natural"),
    ],
)
def test_stopping_rules_that_make_no_sense(settings, text):
    stop = object.__new__(Stop)  # past the annotations, which tests enforce and users' programs do not
    for name, value in {**vars(Stop()), **settings}.items():
        object.__setattr__(stop, name, value)
    with pytest.raises(BadInput, match=rf"(?s){text}"):
        stop.__post_init__()


def test_the_limit_of_steps():
    assert (Stop().limit(100), Stop().limit(10**6), Stop(max_steps=7).limit(100)) == (1000, 20_000, 7)


def test_the_array_code_serves_numpy_too():
    s = batched_cg(diffusion(GRID, A)[0], B)
    t = batched_cg(diffusion(GRID, torch.tensor(A))[0], torch.tensor(B))
    np.testing.assert_array_equal(s.steps, t.steps)
    np.testing.assert_allclose(s.values, t.values.numpy(), rtol=0, atol=1e-10 * np.abs(s.values).max())


def test_answers_stay_when_later_solves_use_memory_again():
    grid = Grid.make((128, 128), boundary="dirichlet")
    op = diffusion(grid, 1.0)[0]
    b = np.random.default_rng(0).normal(size=(3, 128, 128))
    first = solve(op, b[0])
    kept, edges = first.values.copy(), op.edges[0].copy()
    for other in b[1:]:
        solve(diffusion(grid, 7.0)[0], other)
    np.testing.assert_array_equal(first.values, kept)
    np.testing.assert_array_equal(op.edges[0], edges)


@pytest.mark.parametrize("precond", ["none", "jacobi", "multigrid", "amg", "fast-poisson"])
@pytest.mark.parametrize(
    ("dtype", "powers"),
    [(np.float32, (-40, -30, -25, -20, -8, 8, 20, 30, 37)), (np.float64, (-305, -200, -170, -60, 60, 160, 300))],
)
def test_steps_and_status_do_not_depend_on_the_size_of_b(precond, dtype, powers):
    """b times 10^k, atol too, and a start."""
    op = diffusion(Grid.make((32, 32), boundary="dirichlet"), 1.0)[0].astype(dtype)
    b = np.random.default_rng(0).normal(size=op.shape)
    x0 = solve(op, b.astype(dtype), stop=Stop(rtol=1e-2)).values
    rtol = 1e-4 if dtype is np.float32 else 1e-8
    for method in ("cg", "multigrid", "direct") if precond == "none" else ("cg",):
        relative = solve(op, b.astype(dtype), method=method, precond=precond, stop=Stop(rtol=rtol))
        absolute = solve(op, b.astype(dtype), method=method, precond=precond, stop=Stop(rtol=0.0, atol=1e-2))
        warm = solve(op, b.astype(dtype), x0=x0, precond=precond, stop=Stop(rtol=rtol))
        for k in powers:
            scaled = (b * 10.0**k).astype(dtype)
            seen = []
            s = solve(op, scaled, method=method, precond=precond, stop=Stop(rtol=rtol))
            assert (s.status, s.steps) == (relative.status, relative.steps), k
            assert s.residuals == pytest.approx(relative.residuals * 10.0**k, rel=0.3, abs=1e-13 * 10.0**k)
            assert s.true_residual <= rtol * 1.01
            if 1e-30 < 10.0**k < 1e37:
                np.testing.assert_allclose(
                    s.values / 10.0**k, relative.values, rtol=0, atol=30 * rtol * np.abs(x0).max()
                )
            if method != "direct":
                stop = Stop(rtol=0.0, atol=1e-2 * 10.0**k)
                t = solve(op, scaled, method=method, precond=precond, stop=stop)
                assert (t.status, t.steps) == (absolute.status, absolute.steps), k
            if method == "cg" and 10.0**k > 1e-30:
                w = solve(
                    op,
                    scaled,
                    x0=(x0 * 10.0**k).astype(dtype),
                    precond=precond,
                    stop=Stop(rtol=rtol),
                    callback=lambda step, norm, seen=seen: seen.append(norm),
                )
                assert warm.steps - 1 <= w.steps <= warm.steps + 1, k
                assert seen == list(w.residuals[1:])


def test_a_solution_that_the_type_of_b_cannot_hold_is_not_finite():
    op = diffusion(Grid.make((32, 32), (1e3, 1e3), boundary="dirichlet"), 1e-6)[0]
    s = solve(op, np.full(op.shape, 1e300))
    assert s.status is Status.NONFINITE
    assert np.isnan(s.true_residual)


@pytest.mark.parametrize("method", ["cg", "multigrid", "direct"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_null_space_that_is_none_is_refused(method, dtype):
    """CG would take the mean out of the solution of a regular system and report the residual from before."""
    op = OP.astype(dtype)
    b = (B[0] - B[0].mean()).astype(dtype)
    text = r"A does not send it to zero.*\|A z\|.*leave nullspace out"
    refused(text, op=op, b=b, method=method, precond="none" if method == "cg" else "auto", nullspace="constant")
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(384, 2)))[0]
    refused(text, op=OP.to_csr(), b=b.ravel(), nullspace=basis)
    closed = diffusion(Grid.make((24, 16), boundary="neumann"), A[0])[0]
    mean = np.full((384, 1), 384**-0.5)
    for matrix in (closed.to_csr(), closed.as_linear_operator()):
        for null in ("constant", mean):
            s = solve(matrix, b.ravel(), precond="none", nullspace=null, stop=Stop(rtol=1e-4), project_rhs=True)
            assert s.status is Status.CONVERGED
    refused(
        text,
        op=closed.to_csr(),
        b=b.ravel(),
        nullspace=np.hstack([mean, np.eye(384)[:, :1] - mean * mean[0]]) / np.array([1.0, np.sqrt(1 - 1 / 384)]),
    )


def test_the_residual_is_that_of_the_answer_also_where_a_declared_null_space_is_nearly_one():
    a = sp.diags_array(np.r_[1e-9, np.linspace(1.0, 2.0, 50)]).tocsr()
    z = np.eye(51)[:, :1]
    b = np.r_[0.0, np.ones(50)]
    s = solve(a, b, precond="none", nullspace=z, x0=np.r_[1e3, np.zeros(50)])
    assert s.true_residual == pytest.approx(np.linalg.norm(b - a @ s.values) / np.linalg.norm(b), rel=1e-9)


def test_arguments_that_cannot_be_honoured():
    op, b = diffusion(GRID, torch.tensor(A[0]))[0], torch.tensor(B)
    refused("batched CG cannot honour nullspace.*junk", op=op, b=b, nullspace="junk")
    refused("batched CG cannot honour project_rhs", op=op, b=b, project_rhs=True)
    refused("batched CG cannot honour callback", op=op, b=b, callback=lambda step, norm: None)
    for method in ("direct", "multigrid", "amg", "fast-poisson"):
        refused(f"method '{method}' cannot honour precond.*rubbish", method=method, precond="rubbish")
        refused(f"method '{method}' cannot honour precond.*jacobi", method=method, precond="jacobi")
        refused(f"method '{method}' cannot honour callback", method=method, callback=lambda step, norm: None)
    for method in ("direct", "fast-poisson"):
        refused(f"method '{method}' cannot honour x0", method=method, x0=np.full(B[0].shape, np.nan))


@pytest.mark.parametrize("method", ["minres", "cg", "amg"])
def test_a_matrix_that_is_not_symmetric_is_refused(method):
    """CG and pyamg take symmetry for granted: an upwind term went in, and an answer came out."""
    a = OP.to_csr()
    wind = sp.eye_array(384, k=1) - sp.eye_array(384)
    refused("is not symmetric.*gmres.*direct", op=a - 30.0 * wind, b=B[0].ravel(), method=method)
    rounded = a.copy()
    rounded.data *= 1.0 + 1e-14 * np.random.default_rng(0).normal(size=a.nnz)
    assert solve(rounded, B[0].ravel(), method=method).converged


def test_direct_does_not_need_symmetry():
    a = (OP.to_csr() - 30.0 * (sp.eye_array(384, k=1) - sp.eye_array(384))).tocsr()
    s = solve(a, B[0].ravel(), method="direct")
    assert s.converged
    np.testing.assert_allclose(s.values, np.linalg.solve(a.toarray(), B[0].ravel()), rtol=1e-9)
