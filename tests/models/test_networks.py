"""The network joins leads: any order, one missing, and one lead alone is what it was."""

import math

import pytest
import torch

from monitor.models.networks import CnnBiLstm


def network() -> CnnBiLstm:
    torch.manual_seed(0)
    return CnnBiLstm(2, 3, width=8, leads=2).eval()


@pytest.mark.slow
def test_order_of_leads_does_not_matter_and_a_missing_lead_says_nothing():
    net = network()
    signal, features = torch.randn(6, 4, 188), torch.randn(6, 6)
    with torch.inference_mode():
        both = net(signal, features)
        torch.testing.assert_close(both, net(signal.roll(2, 1), features.roll(3, 1)))
        signal[:, 2:] = 0.0
        first = net(signal, features)
        assert not torch.equal(first, both)
        features[:, 3:] = 7.0  # what is said of a lead that is not there
        torch.testing.assert_close(net(signal, features), first)
        signal[:, 2:], features[:, 3:] = signal[:, :2], features[:, :3]
        torch.testing.assert_close(net(signal, features), first)  # the same lead twice


def test_no_lead_at_all_gives_finite_logits():
    with torch.inference_mode():
        assert torch.isfinite(network()(torch.zeros(2, 4, 188), torch.zeros(2, 6))).all()


@pytest.mark.slow
def test_the_streamlined_network_is_the_same_network():
    net = network()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # as if trained
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.2, 5.0)
            torch.nn.init.uniform_(module.weight, 0.5, 2.0)
            torch.nn.init.normal_(module.bias)
    signal, features = torch.randn(6, 4, 188), torch.randn(6, 6)
    signal[2:4, 2:] = 0.0
    before = [value.clone() for value in net.state_dict().values()]
    with torch.inference_mode():
        fast = torch.jit.script(net.streamlined())
        torch.testing.assert_close(fast(signal, features), net(signal, features))
    assert all(map(torch.equal, before, net.state_dict().values()))  # a copy was made


def test_f_needs_its_odds_over_v_and_takes_nothing_from_the_others():
    net = network()
    signal, features = torch.randn(64, 4, 188), torch.randn(64, 6)
    with torch.inference_mode():
        net.bias.copy_(torch.tensor([0.0, 0.0, 0.5, 0.8, 0.0]))  # F likelier, but not much
        before = net(signal, features).softmax(1)
        net.f_log_odds = math.log(4.0)
        after = net(signal, features).softmax(1)
    torch.testing.assert_close(after[:, [0, 1, 4]], before[:, [0, 1, 4]])
    torch.testing.assert_close(after[:, 3] / after[:, 2], before[:, 3] / before[:, 2] / 4.0)
    assert (before[:, 3] > before[:, 2]).any()
    assert torch.equal(after[:, 3] > after[:, 2], before[:, 3] > 4.0 * before[:, 2])
