using System.Runtime.InteropServices;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

// M rows, D model, X experts, G rows that go to one expert

/// <summary>A mixture of experts. Rows are gathered by expert, so that each expert runs one product over its rows; a row adds its experts
/// in ascending order, so its result is the same alone and in company.</summary>
internal sealed unsafe class Mixture : DecodeFeedForward
{
    private readonly MixtureSpec _spec;
    private readonly int _dModel;
    private readonly DecodeLinear _router;
    private readonly SwiGlu[] _experts;
    private readonly List<(int Row, float Weight)>[] _chosen;

    public Mixture(MixtureSpec spec, WeightSource weights)
    {
        (_spec, _dModel) = (spec, spec.Router.Inputs);
        _router = new DecodeLinear(spec.Router, weights, MatrixRole.Router);
        _experts = [.. spec.Experts.Select(expert => new SwiGlu(expert, weights))];
        _chosen = [.. spec.Experts.Select(_ => new List<(int, float)>())];
    }

    public override int OutputStride => _dModel;

    public override long WeightBytes => _router.Bytes + _experts.Sum(expert => expert.WeightBytes);

    public override void Forward(float* x, int m, float* y, DecodePass pass)
    {
        var logits = pass.Floats(Scratch.Third, (long)m * _router.Stride);
        _router.Forward(x, m, logits, pass);                             // (M, X)
        foreach (var rows in _chosen) rows.Clear();
        for (var i = 0; i < m; i++) Route(i, new Span<float>(logits + (long)i * _router.Stride, _experts.Length));
        NativeMemory.Clear(y, (nuint)((long)m * _dModel * sizeof(float)));
        for (var expert = 0; expert < _experts.Length; expert++)
        {
            var rows = _chosen[expert];
            if (rows.Count == 0) continue;
            var stride = _experts[expert].OutputStride;
            var gathered = pass.Floats(Scratch.Fourth, (long)rows.Count * _dModel);
            var output = pass.Floats(Scratch.Fifth, (long)rows.Count * stride);
            for (var i = 0; i < rows.Count; i++)
            {
                var row = new ReadOnlySpan<float>(x + (long)rows[i].Row * _dModel, _dModel);
                row.CopyTo(new Span<float>(gathered + (long)i * _dModel, _dModel));
            }
            _experts[expert].Forward(gathered, rows.Count, output, pass);   // (G, D)
            for (var i = 0; i < rows.Count; i++)
            {
                VectorMath.AddScaled(y + (long)rows[i].Row * _dModel, output + (long)i * stride, rows[i].Weight, _dModel);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _router.Dispose();
        foreach (var expert in _experts) expert.Dispose();
    }

    /// <summary>The experts with the highest probabilities, of equal ones the first.</summary>
    /// <param name="scores">Logits, (X); spent.</param>
    private void Route(int row, Span<float> scores)
    {
        var max = float.NegativeInfinity;
        foreach (var score in scores) max = Math.Max(max, score);
        var sum = 0f;
        foreach (ref var score in scores) sum += score = MathF.Exp(score - max);
        Span<int> best = stackalloc int[_spec.TopK];
        Span<float> weights = stackalloc float[_spec.TopK];
        var kept = 0f;
        for (var k = 0; k < best.Length; k++)
        {
            var top = 0;
            for (var expert = 1; expert < scores.Length; expert++) if (scores[expert] > scores[top]) top = expert;
            (best[k], weights[k]) = (top, scores[top]);
            kept += scores[top];
            scores[top] = -1;
        }
        var scale = 1 / (_spec.Renormalize ? kept : sum);
        for (var k = 0; k < best.Length; k++) _chosen[best[k]].Add((row, weights[k] * scale));
    }
}
