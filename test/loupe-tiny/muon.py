"""The optimizer of the inner matrices."""

import torch


class Muon:
    """Momentum with orthogonalised updates for the inner matrices."""

    def __init__(self, params):
        self.params, self.momentum = list(params), [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, rate):
        for p, m in zip(self.params, self.momentum):
            if p.grad is None:
                continue
            m.lerp_(p.grad, 0.05)
            update = self.orthogonal(p.grad.lerp(m, 0.95))
            p.mul_(1 - 0.1 * rate).add_(update, alpha=-rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    @staticmethod
    def orthogonal(g):
        x = g.T if g.shape[0] > g.shape[1] else g
        x = x / (x.norm() + 1e-7)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.T if g.shape[0] > g.shape[1] else x
