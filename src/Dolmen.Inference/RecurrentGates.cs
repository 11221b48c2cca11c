namespace Dolmen.Inference;

/// <summary>Gates in torch's order: input, forget, cell, output; or reset, update, new.</summary>
internal sealed record RecurrentGates(WeightMatrix Input, WeightMatrix State, float[] InputBias, float[] StateBias) : IDisposable
{
    /// <param name="below">What the input gives to the gates; spent, as is <paramref name="recurrent"/>.</param>
    /// <param name="recurrent">What the state gives to the gates.</param>
    /// <param name="c">The cell of an LSTM; empty for a GRU.</param>
    public void Step(Span<float> below, Span<float> recurrent, Span<float> h, Span<float> c)
    {
        var n = h.Length;
        for (var i = 0; i < InputBias.Length; i++)
        {
            below[i] += InputBias[i];
            recurrent[i] += StateBias[i];
        }
        for (var i = 0; i < n; i++)
        {
            if (c.Length > 0)
            {
                var (write, keep) = (Sigmoid(below[i] + recurrent[i]), Sigmoid(below[n + i] + recurrent[n + i]));
                c[i] = keep * c[i] + write * MathF.Tanh(below[2 * n + i] + recurrent[2 * n + i]);
                h[i] = Sigmoid(below[3 * n + i] + recurrent[3 * n + i]) * MathF.Tanh(c[i]);
                continue;
            }
            var (reset, update) = (Sigmoid(below[i] + recurrent[i]), Sigmoid(below[n + i] + recurrent[n + i]));
            var fresh = MathF.Tanh(below[2 * n + i] + reset * recurrent[2 * n + i]);
            h[i] = fresh + update * (h[i] - fresh);
        }
    }

    public void Dispose()
    {
        Input.Dispose();
        State.Dispose();
    }

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
