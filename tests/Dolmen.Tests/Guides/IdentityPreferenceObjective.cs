// P pairs
using static TorchSharp.torch;

namespace Dolmen.Tests.Guides;

// guide: docs/guides/add-an-objective.md
/// <summary>Identity preference optimisation (Azar et al. 2023, eq. 17): the margin of the log ratios is drawn to 1/(2τ) instead of being
/// pushed on for ever, (h − 1/(2τ))² with h = (log π_w − log ref_w) − (log π_l − log ref_l).</summary>
public static class IdentityPreferenceObjective
{
    /// <summary>All arguments (P) fp32, sums of log-probabilities over an answer's tokens. Returns the loss of each pair, (P).</summary>
    public static Tensor Losses(Tensor policyChosen, Tensor policyRejected, Tensor referenceChosen, Tensor referenceRejected, double tau)
    {
        using var scope = NewDisposeScope();
        var margin = policyChosen - referenceChosen - (policyRejected - referenceRejected);      // (P)
        return (margin - 1 / (2 * tau)).square().MoveToOuterDisposeScope();                      // (P)
    }
}
// end of guide
