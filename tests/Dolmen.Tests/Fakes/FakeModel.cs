using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Fakes;

/// <summary>A model whose logits are a plain function of all tokens so far; <paramref name="forgets"/> false stands for recurrent models,
/// whose states cannot be truncated.</summary>
internal sealed class FakeModel(int vocabSize, int contextLength, Func<IReadOnlyList<int>, int, double> logit, bool forgets = true)
    : LanguageModel
{
    public override ModelConfig Config { get; } = new TransformerConfig(vocabSize, 64, 1, 1, 1, 64, 64, contextLength);

    public int TokensFed { get; private set; }

    public long Bytes { get; init; }

    public bool IsDisposed { get; private set; }

    public override long WeightBytes => Bytes;

    /// <summary>Of all states together, whatever they are.</summary>
    public long Remembered { get; init; }

    public override long StateBytes => Remembered;

    /// <summary>After each token: the token, its position, 1.</summary>
    public override int HiddenSize => 3;

    /// <summary>Called before each decode step: tests hold the model here.</summary>
    public Action BeforeStep { get; set; } = () => { };

    /// <summary>Any two histories give unrelated, reproducible distributions.</summary>
    public static FakeModel OfHistory(int vocabSize, int contextLength, bool forgets = true) =>
        new(vocabSize, contextLength, HistoryLogit, forgets);

    /// <summary>Continues the alphabet: after <c>a</c> comes <c>b</c>. The assistant begins with <c>A</c>; after <c>Z</c> it ends its turn
    /// and after <c>z</c> the document ends.</summary>
    public static FakeModel OfAlphabet(int contextLength = 64) => new(ByteTokenizer.PairBase, contextLength, (tokens, token) =>
    {
        var special = new ByteTokenizer().Special;
        var next = tokens[^1] switch
        {
            var last when last == special.Assistant => 'A',
            'Z' => special.End,
            'z' => special.Eos,
            var last and < 255 => last + 1,
            _ => 'a',
        };
        return token == next ? 20 : 0;
    });

    /// <summary>ln p(tokens[i] | tokens[..i]), computed from nothing but the definition.</summary>
    public double LogProb(int[] tokens, int i)
    {
        var history = tokens[..i];
        var total = Enumerable.Range(0, Config.VocabSize).Sum(token => Math.Exp(logit(history, token)));
        return logit(history, tokens[i]) - Math.Log(total);
    }

    public override DecodeState NewState(int capacity) => new([new Memory([], forgets)], capacity);

    public override void Forward(params ReadOnlySpan<SequenceSlice> batch)
    {
        foreach (var slice in batch)
        {
            if (slice.Tokens.Length == 1 && slice.State.Length > 0) BeforeStep();
            for (var i = 0; i < slice.Tokens.Length; i++)
            {
                Append(slice.Tokens.Span[i], slice.State);
                var fromEnd = slice.Tokens.Length - i;
                var (row, target) = (slice.Logits.Length / Config.VocabSize - fromEnd, slice.LogProbs.Length - fromEnd);
                var state = slice.HiddenStates.Length / HiddenSize - fromEnd;
                if (state >= 0)
                {
                    float[] hidden = [slice.Tokens.Span[i], slice.State.Length - 1, 1];
                    hidden.CopyTo(slice.HiddenStates.Span[(state * HiddenSize)..]);
                }
                if (row >= 0) WriteLogits(slice.State, slice.Logits.Span.Slice(row * Config.VocabSize, Config.VocabSize));
                if (target >= 0)
                    slice.LogProbs.Span[target] = LogProb([.. Tokens(slice.State), slice.Targets.Span[target]], slice.State.Length);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }

    private static double HistoryLogit(IReadOnlyList<int> tokens, int token)
    {
        var hash = 17UL;
        foreach (var past in tokens) hash = unchecked((hash ^ (ulong)past) * 0x100000001B3);
        return new Dolmen.Artifacts.StableRandom(unchecked(hash * 31 + (ulong)token)).NextDouble() * 4;
    }

    private void Append(int token, DecodeState state)
    {
        if (state.Length >= Math.Min(state.Capacity, Config.ContextLength)) throw new InvalidOperationException("The state is full.");
        Tokens(state).Add(token);
        state.Advance(1);
        TokensFed++;
    }

    private void WriteLogits(DecodeState state, Span<float> logits)
    {
        for (var token = 0; token < logits.Length; token++) logits[token] = (float)logit(Tokens(state), token);
    }

    private static List<int> Tokens(DecodeState state) => ((Memory)state.Layers[0]).Tokens;

    private sealed class Memory(List<int> tokens, bool forgets) : LayerState
    {
        public List<int> Tokens => tokens;

        public override long Bytes => tokens.Count;

        public override LayerState Fork() => new Memory([.. tokens], forgets);

        public override bool CanTruncate(int length) => forgets;

        public override void Truncate(int length) => tokens.RemoveRange(length, tokens.Count - length);

        public override void Save(Stream stream) => throw new NotSupportedException();

        public override void Load(Stream stream, int length) => throw new NotSupportedException();
    }
}
