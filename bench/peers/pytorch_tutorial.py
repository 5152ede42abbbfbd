"""The tutorial's training run in PyTorch, timed inside the process.

Written as a PyTorch user would write it: a Dataset, a DataLoader, a Module and the usual five-line step.
Prints one JSON object; only the epoch loop is timed.
"""

import argparse
import json
import time

import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

SEED = 420
EPOCHS = 100


class Blobs(Dataset):
    """1000 points around two centres, as float32."""

    def __init__(self):
        x, y = make_blobs(n_samples=1000, n_features=2, centers=2, random_state=261)
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(y, dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


def train_once(data):
    """One whole run from the same seeds. Returns the loop's seconds, the model and the mean loss of each epoch."""
    torch.manual_seed(SEED)
    nn.Linear(2, 1)  # The tutorial shows a layer's initial weights here, before the split draws its permutation.
    train, _ = random_split(data, [800, 200])
    torch.manual_seed(SEED)
    loader = DataLoader(train, batch_size=16, shuffle=True)
    model = nn.Linear(2, 1)
    loss_function = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    losses = []
    start = time.perf_counter()
    for _ in range(EPOCHS):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_function(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / len(loader))
    return time.perf_counter() - start, model, losses


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repetitions", type=int, default=1)
    arguments.add_argument("--threads", type=int, help="PyTorch's own choice when absent")
    options = arguments.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    data = Blobs()
    runs = [train_once(data) for _ in range(options.repetitions)]
    _, model, losses = runs[-1]
    print(
        json.dumps(
            {
                "seconds": [seconds for seconds, _, _ in runs],
                "final": {"weight": model.weight[0].tolist(), "bias": model.bias.item()},
                "last_epoch_loss": losses[-1],
                "threads": torch.get_num_threads(),
            }
        )
    )


if __name__ == "__main__":
    main()
