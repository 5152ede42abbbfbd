"""PyTorch's L-BFGS over all rows with its strong Wolfe search, in 64 bits, timed inside the process."""

import torch
from folder import asked, load, repeated, tell
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def fit(x, y, outputs, l2):
    """Weights and biases at the end."""
    weight = torch.zeros(outputs, x.shape[1], dtype=x.dtype, requires_grad=True)
    bias = torch.zeros(outputs, dtype=x.dtype, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=10_000, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def objective():
        search.zero_grad()
        z = x @ weight.T + bias
        loss = binary_cross_entropy_with_logits(z[:, 0], y) if outputs == 1 else cross_entropy(z, y)
        loss = loss + 0.5 * l2 * (weight**2).sum()
        loss.backward()
        return loss

    search.step(objective)
    return weight.detach().numpy(), bias.detach().numpy()


def main():
    folder, settings = asked()
    data = load(folder)
    outputs = 1 if data.classes == 2 else data.classes
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    y = y if outputs == 1 else y.long()
    seconds, (weight, bias) = repeated(settings, lambda: fit(x, y, outputs, settings["l2"]))
    tell(seconds, weight, bias)


if __name__ == "__main__":
    main()
