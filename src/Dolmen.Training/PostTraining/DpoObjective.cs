// P pairs
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Training.PostTraining;

/// <summary>Means over a batch under the names TRL gives them.</summary>
public sealed record DpoMetrics(
    double RewardsChosen,
    double RewardsRejected,
    double RewardsAccuracies,
    double RewardsMargins,
    double LogpsChosen,
    double LogpsRejected
);

/// <summary>Direct preference optimisation (Rafailov et al. 2023, eq. 7): −log σ(β·((log π_w − log ref_w) − (log π_l − log
/// ref_l))).</summary>
public static class DpoObjective
{
    /// <summary>All arguments (P) fp32, sums of log-probabilities over an answer's tokens. Returns the loss of each pair, (P).</summary>
    public static Tensor Losses(Tensor policyChosen, Tensor policyRejected, Tensor referenceChosen, Tensor referenceRejected, double beta)
    {
        using var scope = NewDisposeScope();
        var margin = policyChosen - referenceChosen - (policyRejected - referenceRejected);      // (P)
        return functional.logsigmoid(margin * beta).neg().MoveToOuterDisposeScope();             // (P)
    }

    public static DpoMetrics Metrics(
        Tensor policyChosen,
        Tensor policyRejected,
        Tensor referenceChosen,
        Tensor referenceRejected,
        double beta
    )
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var chosen = (policyChosen - referenceChosen) * beta;                                    // (P)
        var rejected = (policyRejected - referenceRejected) * beta;                              // (P)
        double Mean(Tensor x) => x.to(ScalarType.Float64).mean().item<double>();
        return new DpoMetrics(
            Mean(chosen),
            Mean(rejected),
            Mean(chosen > rejected),
            Mean(chosen - rejected),
            Mean(policyChosen),
            Mean(policyRejected)
        );
    }
}
