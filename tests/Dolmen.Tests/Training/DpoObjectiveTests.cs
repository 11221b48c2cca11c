using Dolmen.Training.PostTraining;
using static TorchSharp.torch;

namespace Dolmen.Tests.Training;

/// <summary>Figures of TRL 0.19.1's DPOTrainer.dpo_loss (sigmoid, β 0.1) in double.</summary>
public class DpoObjectiveTests
{
    private static readonly double[] PolicyChosen =
    [
        -50.91631292920995,
        272.26520929119954,
        -28.197235118081107,
        -49.98208762237884,
        -37.8685383202715,
        -37.67895428668896,
        -47.88307784406669,
    ];
    private static readonly double[] PolicyRejected =
    [
        -35.67580096930563,
        -366.90181545385,
        -29.54268303004009,
        -44.851414817882436,
        -46.90651558265678,
        -40.566071028232,
        -44.697845204751594,
    ];
    private static readonly double[] ReferenceChosen =
    [
        -50.91631292920995,
        -27.734790708800446,
        -45.17995532550258,
        -33.794717509865016,
        -42.670909769925075,
        -50.012685595186355,
        -37.75673792624223,
    ];
    private static readonly double[] ReferenceRejected =
    [
        -35.67580096930563,
        -66.90181545385002,
        -42.19056601816805,
        -44.33988754589239,
        -55.87845762892171,
        -44.708206826186306,
        -40.513028710551865,
    ];
    private static readonly double[] Losses =
    [
        0.6931471805599453,
        8.756510762696582e-27,
        0.4997122046989145,
        1.7570042275439453,
        0.9232017383819351,
        0.3651998824659101,
        1.0337162873225392,
    ];
    private static readonly double[] Gradients =
    [
        -0.007142857142857143,
        -1.2509301089566544e-28,
        -0.0056184965498975985,
        -0.011820556515996408,
        -0.008610783888121792,
        -0.004370601328481853,
        -0.009204533109274089,
    ];

    [Fact]
    public void Losses_gradients_and_rewards_match_trl()
    {
        using var scope = NewDisposeScope();
        var (chosen, rejected) = (tensor(PolicyChosen).requires_grad_(true), tensor(PolicyRejected).requires_grad_(true));
        var (referenceChosen, referenceRejected) = (tensor(ReferenceChosen), tensor(ReferenceRejected));
        var losses = DpoObjective.Losses(chosen, rejected, referenceChosen, referenceRejected, 0.1);
        losses.mean().backward();
        for (var i = 0; i < Losses.Length; i++)
        {
            Assert.Equal(Losses[i], losses[i].item<double>(), 1e-9);
            Assert.Equal(Gradients[i], chosen.grad![i].item<double>(), 1e-9);
            Assert.Equal(-Gradients[i], rejected.grad![i].item<double>(), 1e-9);
        }
        var metrics = DpoObjective.Metrics(chosen.detach(), rejected.detach(), referenceChosen, referenceRejected, 0.1);
        Assert.Equal(
            (0.0 + 30.0 + 1.6982720207421478 - 1.6187370112513826 + 0.48023714496535774 + 1.2333731308497393 - 1.012633991782446) / 7,
            metrics.RewardsChosen,
            1e-9
        );
        Assert.Equal(3.0 / 7, metrics.RewardsAccuracies, 1e-9);
    }

    [Fact]
    public void A_policy_that_is_the_reference_loses_ln_2()
    {
        using var scope = NewDisposeScope();
        var logps = tensor(PolicyChosen);
        Assert.Equal(Math.Log(2), DpoObjective.Losses(logps, logps, logps, logps, 0.3)[0].item<double>(), 1e-12);
    }
}
