// B rows, T positions a row
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>Rows of T+1 tokens as model input (B, T) and targets (B, T), both int64, and the texts that the rows are made of. A target of
/// −1 does not count.</summary>
public sealed class Batch
{
    private readonly long[] _inputs, _targets;
    private readonly List<Segment>[] _segments;

    public Batch(int rows, int length)
    {
        (Rows, Length) = (rows, length);
        (_inputs, _targets) = (new long[rows * length], new long[rows * length]);
        Array.Fill(_targets, -1);
        _segments = [.. Enumerable.Range(0, rows).Select(row => new List<Segment> { new(row, 0, length) })];
    }

    public int Rows { get; }

    public int Length { get; }

    public int Counted => _targets.Count(target => target >= 0);

    /// <summary>Null where every row is one text without padding: such batches take the shortest path through a model.</summary>
    public Segments? Segments => Array.TrueForAll(_segments, row => row is [{ Padding: false }])
        ? null
        : new Segments(Rows, Length, _segments.SelectMany(row => row));

    /// <summary>Sets a row that is one text.</summary>
    /// <param name="tokens">At most T+1; what is missing is padding.</param>
    /// <param name="counts">Whether predicting tokens[i] counts; everything does when empty.</param>
    public void SetRow(int row, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> counts, int pad)
    {
        for (var t = 0; t < Length; t++)
        {
            _inputs[row * Length + t] = t < tokens.Length ? tokens[t] : pad;
            var counted = t + 1 < tokens.Length && (counts.IsEmpty || counts[t + 1]);
            _targets[row * Length + t] = counted ? tokens[t + 1] : -1;
        }
    }

    /// <summary>Sets a row of several texts that know nothing of each other: the first token of a text is not a target.</summary>
    /// <param name="starts">Where each text begins, in order, and last where padding begins.</param>
    /// <inheritdoc cref="SetRow(int, ReadOnlySpan{int}, ReadOnlySpan{bool}, int)"/>
    public void SetRow(int row, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> counts, int pad, ReadOnlySpan<int> starts)
    {
        SetRow(row, tokens, counts, pad);
        var segments = _segments[row];
        segments.Clear();
        for (var i = 0; i + 1 < starts.Length; i++)
        {
            if (starts[i] > 0) _targets[row * Length + starts[i] - 1] = -1;
            if (starts[i] < Length) segments.Add(new Segment(row, starts[i], Math.Min(starts[i + 1], Length) - starts[i]));
        }
        var end = starts[^1];
        if (end >= Length) return;
        segments.Add(new Segment(row, end, Length - end, Padding: true));
        if (end > 0) _targets.AsSpan(row * Length + end - 1, Length - end + 1).Fill(-1);
    }

    public Tensor Inputs(Device device) => tensor(_inputs, [Rows, Length], device: device);

    public Tensor Targets(Device device) => tensor(_targets, [Rows, Length], device: device);

    /// <summary>Accumulates the gradient of the mean loss over the targets of all batches; returns that loss.</summary>
    public static double Backward(LanguageDecoder model, IReadOnlyList<Batch> batches)
    {
        var counted = Math.Max(1, batches.Sum(batch => batch.Counted));
        var loss = 0.0;
        for (var i = 0; i < batches.Count; i++) loss += batches[i].Backward(model, 1.0 / counted, first: i == 0);
        return loss;
    }

    /// <summary>Forward, backward, gradients taken; returns the loss. Owns nothing afterwards.</summary>
    public double Backward(LanguageDecoder model, double scale, bool first)
    {
        using var scope = NewDisposeScope();
        var device = model.Parameters.Compute.Device;
        return model.Backward(Inputs(device), Targets(device), scale, first, Segments);
    }
}
