// B rows, S source positions, T target positions
using Dolmen.Artifacts;
using Dolmen.Modeling;
using Dolmen.Tokenization;
using static TorchSharp.torch;

namespace Dolmen.Training.Pretraining;

/// <summary>
/// Learning to write a target for a source, each target token given the true ones before it. Pairs of like length share a batch: every
/// epoch shuffles the pairs, sorts them by length, cuts batches of equal tokens and shuffles these. Where the cuts lie is the same in every
/// epoch, so a step's pairs follow from its number.
/// </summary>
public sealed class PairTask : TrainingTask<SequencePairModel>
{
    private const int HeldOutEvery = 50, MostHeldOut = 500;

    /// <summary>Batches hold a multiple of so many rows and are padded to a multiple of so many positions: libtorch prepares kernels for
    /// every shape it meets, which costs more than some padding.</summary>
    private const int RowMultiple = 16, LengthMultiple = 4;

    private readonly List<(int[] Source, int[] Target)> _train = [], _heldOut = [];
    private readonly int[] _cuts;
    private readonly long[] _tokensAfter;
    private readonly Tokenizer _tokenizer;
    private readonly TrainingRecipe _training;
    private readonly ulong _seed;
    private readonly double _bytesPerToken;
    private int[] _order = [], _batches = [];
    private int _epoch = -1;

    public PairTask(string pairs, Tokenizer tokenizer, PretrainRecipe recipe, TrainingRecipe training, ulong seed)
    {
        (_tokenizer, _training, _seed) = (tokenizer, training, seed);
        var tally = new DataTally(PairFiles.Unit);
        foreach (var (pair, place) in PairFiles.Read(pairs, tally))
        {
            int[] source = [.. tokenizer.Encode(pair.Source), tokenizer.Special.Eos], target = [.. tokenizer.Encode(pair.Target)];
            if (Math.Max(source.Length, target.Length + 1) > training.ContextLength)
            {
                if (training.LongRows == LongRows.Error)
                    throw new UserErrorException(
                        $"{place.File}, line {place.Line} has a source of {source.Length} and a target of {target.Length + 1} tokens, and "
                            + $"training.contextLength "
                            + $"is {training.ContextLength}. Use a longer context, or have such pairs left out with --set "
                            + $"training.longRows=drop."
                    );
                tally.Drop(RowFit.TooLong, place);
                continue;
            }
            tally.Use();
            if (_heldOut.Count < MostHeldOut && (_train.Count + _heldOut.Count) % HeldOutEvery == HeldOutEvery - 1)
            {
                tally.Note("held-out", place);
                _heldOut.Add((source, target));
            }
            else
            {
                _train.Add((source, target));
            }
        }
        if (_train.Count == 0)
            tally.RequireSome(
                pairs,
                $"Training needs a pair at least that fits training.contextLength {training.ContextLength}: use a longer context."
            );
        Data = tally.ToCounts();
        _bytesPerToken = Math.Max(
            1e-9,
            _train.Average(pair => (double)pair.Target.Sum(token => tokenizer.BytesOf(token).Length) / (pair.Target.Length + 1))
        );
        _cuts = Cuts(recipe.BatchTokens);
        var perEpoch = Enumerable.Range(0, BatchesPerEpoch).Sum(BatchTokens);
        var wanted = recipe.TotalTokens > 0 ? recipe.TotalTokens : perEpoch;
        List<long> after = [0];
        for (var step = 0; after[^1] < wanted; step++) after.Add(after[^1] + BatchTokens(BatchAt(step)));
        _tokensAfter = [.. after];
    }

    public override DataCounts Data { get; }

    public override string Stage => "pretrain";

    public override int Steps => _tokensAfter.Length - 1;

    public override long TokensAfter(int steps) => _tokensAfter[steps];

    public override StepResult Accumulate(SequencePairModel model, int step)
    {
        var batch = BatchAt(step);
        var rows = _order.AsSpan(_cuts[batch], _cuts[batch + 1] - _cuts[batch]).ToArray();
        var counted = rows.Sum(row => _train[row].Target.Length + 1);
        var perRow = BatchTokens(batch) / rows.Length;
        var atOnce = Math.Clamp((int)(_training.MicroBatchTokens / perRow), 1, rows.Length);
        var loss = 0.0;
        for (var done = 0; done < rows.Length; done += atOnce)
        {
            var part = Batch([.. rows.Skip(done).Take(atOnce).Select(row => _train[row])]);
            loss += model.Backward(part, 1.0 / counted, first: done == 0, DropoutSeed(step, done));
        }
        return new StepResult(loss);
    }

    public override double? BitsPerByte(double loss) => loss / Math.Log(2) / _bytesPerToken;

    public override Validation? Validate(SequencePairModel model, bool last)
    {
        if (_heldOut.Count == 0) return null;
        using var noGradient = no_grad();
        var (nats, counted, bytes) = (0.0, 0L, 0L);
        var pairs = Within(ValidationPlan.Of(_training, TokensAfter(Steps)).Tokens);
        foreach (var chunk in pairs.OrderBy(pair => pair.Target.Length).ThenBy(pair => pair.Source.Length).Chunk(50))
        {
            using var scope = NewDisposeScope();
            var batch = Batch(chunk);
            nats += model.Loss(batch, 1).item<float>();
            counted += batch.Counted;
            bytes += chunk.Sum(pair => pair.Target.Sum(token => (long)_tokenizer.BytesOf(token).Length));
        }
        return new Validation(nats / counted, bytes == 0 ? null : nats / Math.Log(2) / bytes, null);
    }

    /// <summary>The first held-out pairs, as many as hold so many tokens, and one at least.</summary>
    private List<(int[] Source, int[] Target)> Within(long tokens)
    {
        var pairs = new List<(int[] Source, int[] Target)>();
        foreach (var pair in _heldOut)
        {
            tokens -= pair.Source.Length + pair.Target.Length;
            if (tokens < 0 && pairs.Count > 0) break;
            pairs.Add(pair);
        }
        return pairs;
    }

    private int BatchesPerEpoch => _cuts.Length - 1;

    private PairBatch Batch((int[] Source, int[] Target)[] pairs)
    {
        var (pad, s, t) = (_tokenizer.Special.Pad, pairs.Max(SourceLength), pairs.Max(TargetLength));
        long[] source = new long[pairs.Length * s], targetIn = new long[pairs.Length * t], targetOut = new long[pairs.Length * t];
        Array.Fill(source, pad);
        Array.Fill(targetIn, pad);
        Array.Fill(targetOut, -1);
        for (var row = 0; row < pairs.Length; row++)
        {
            var (from, to) = pairs[row];
            for (var i = 0; i < from.Length; i++) source[row * s + i] = from[i];
            targetIn[row * t] = _tokenizer.Special.Bos;
            for (var i = 0; i < to.Length; i++) targetIn[row * t + i + 1] = targetOut[row * t + i] = to[i];
            targetOut[row * t + to.Length] = _tokenizer.Special.Eos;
        }
        return new PairBatch(source, [.. pairs.Select(pair => pair.Source.Length)], targetIn, targetOut);
    }

    /// <summary>Which of the epoch's batches a step trains on; prepares the epoch.</summary>
    private int BatchAt(int step)
    {
        var (epoch, position) = Math.DivRem(step, BatchesPerEpoch);
        if (epoch != _epoch)
        {
            var random = new StableRandom(_seed ^ StableHash.Of($"epoch {epoch}"));
            int[] shuffled = [.. Enumerable.Range(0, _train.Count)];
            random.Shuffle<int>(shuffled);
            _order = [.. shuffled.OrderBy(row => TargetLength(_train[row])).ThenBy(row => _train[row].Source.Length)];       // stable
            _batches = [.. Enumerable.Range(0, BatchesPerEpoch)];
            random.Shuffle<int>(_batches);
            _epoch = epoch;
        }
        return _batches[position];
    }

    /// <summary>Where batches begin in the pairs sorted by length. Which pairs of one length come first does not matter here.</summary>
    private int[] Cuts(int batchTokens)
    {
        var lengths = _train.Select(pair => (Target: TargetLength(pair), Source: SourceLength(pair))).Order().ToArray();
        List<int> cuts = [0];
        var longestSource = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            longestSource = Math.Max(longestSource, lengths[i].Source);
            var rows = i - cuts[^1];
            if (rows == 0 || (rows + 1) * (lengths[i].Target + longestSource) <= batchTokens) continue;
            cuts.Add(cuts[^1] + (rows < RowMultiple ? rows : rows / RowMultiple * RowMultiple));
            longestSource = lengths[cuts[^1]..(i + 1)].Max(length => length.Source);
        }
        cuts.Add(lengths.Length);
        return [.. cuts];
    }

    /// <summary>Padding included.</summary>
    private long BatchTokens(int batch)
    {
        if (_epoch < 0) BatchAt(0);
        var (longestSource, longestTarget) = (0, 0);
        foreach (var row in _order.AsSpan(_cuts[batch], _cuts[batch + 1] - _cuts[batch]))
            (longestSource, longestTarget) = (
                Math.Max(longestSource, SourceLength(_train[row])),
                Math.Max(longestTarget, TargetLength(_train[row]))
            );
        return (_cuts[batch + 1] - _cuts[batch]) * (longestTarget + (long)longestSource);
    }

    private int SourceLength((int[] Source, int[] Target) pair) => Padded(pair.Source.Length);

    /// <summary>Length of a target with the token that begins or ends it, padded.</summary>
    private int TargetLength((int[] Source, int[] Target) pair) => Padded(pair.Target.Length + 1);

    private int Padded(int length) => Math.Min(_training.ContextLength, (length + LengthMultiple - 1) / LengthMultiple * LengthMultiple);

    private long DropoutSeed(int step, int part) =>
        (long)(new StableRandom(_seed ^ StableHash.Of($"dropout {step} {part}")).NextUInt64() >> 1);
}
