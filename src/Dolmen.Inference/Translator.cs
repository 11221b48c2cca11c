using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <param name="Beam">Hypotheses kept at every step; 1 takes the likeliest token.</param>
/// <param name="LengthPenalty">α of Wu et al. 2016: a hypothesis is worth log p / ((5 + length)/6)^α. 0 favours short ones.</param>
/// <param name="MaxTokens">Longest target; 0 is three times the source and 10 more, at most the model's context.</param>
public sealed record TranslationOptions(int Beam = 1, double LengthPenalty = 1, int MaxTokens = 0)
{
    private const int MostBeam = 1024;

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public void Validate()
    {
        if (Beam is < 1 or > MostBeam)
            throw new UserErrorException($"beam is {Beam}: it must be between 1 and {MostBeam}. 4 is usual.");
        if (!(LengthPenalty is >= 0 and <= 10))
            throw new UserErrorException($"length-penalty is {LengthPenalty}: it must be between 0 and 10. 1 is usual.");
        if (MaxTokens < 0)
            throw new UserErrorException($"max-tokens is {MaxTokens}: it must be 0 (by the source's length) or more.");
    }
}

/// <param name="Source">Tokens, the last of them the end.</param>
/// <param name="Target">Tokens without the end.</param>
/// <param name="LogProb">Of all target tokens and the end.</param>
/// <param name="Attention">A row for each target token, and for the end where it came; a weight for each source token; empty where the
/// model has none.</param>
public sealed record Translation(string Text, int[] Source, int[] Target, double LogProb, IReadOnlyList<float[]> Attention);

/// <summary>Writes targets for sources, greedily or by beam search.</summary>
public sealed class Translator(EncoderDecoderModel model, Tokenizer tokenizer)
{
    public Translation Translate(string text, TranslationOptions options, CancellationToken stop = default)
    {
        options.Validate();
        int[] source = [.. tokenizer.Encode(text), tokenizer.Special.Eos];
        var found = Search(source, options, stop);
        return new Translation(tokenizer.Decode(found.Tokens), source, found.Tokens, found.LogProb, found.Attention);
    }

    /// <summary>The best target found: tokens without the end.</summary>
    public (int[] Tokens, double LogProb, IReadOnlyList<float[]> Attention) Search(
        ReadOnlySpan<int> source,
        TranslationOptions options,
        CancellationToken stop = default
    )
    {
        var limit = Math.Min(model.Config.ContextLength - 1, options.MaxTokens > 0 ? options.MaxTokens : 3 * source.Length + 10);
        var state = model.NewState(limit + 1);
        model.Encode(source, state);
        List<Hypothesis> alive = [new(null, tokenizer.Special.Bos, 0, 0, [], state)];
        Hypothesis? best = null;
        double Worth(Hypothesis hypothesis) => hypothesis.LogProb / Math.Pow((5.0 + hypothesis.Length) / 6, options.LengthPenalty);
        try
        {
            while (alive.Count > 0)
            {
                stop.ThrowIfCancellationRequested();
                var candidates = new List<(Hypothesis Parent, int Token, double LogProb)>();
                SequenceSlice[] beams =
                [
                    .. alive.Select(hypothesis => new SequenceSlice(hypothesis.State!, new[] { hypothesis.Token })
                    {
                        Logits = new float[model.Config.VocabSize],
                    }),
                ];
                model.Forward(beams);
                foreach (var (i, hypothesis) in alive.Index())
                {
                    hypothesis.Looked = [.. EncoderDecoderModel.AttentionOf(hypothesis.State!)];
                    foreach (var (token, logProb) in Likeliest(beams[i].Logits.Span, options.Beam + 1))
                        candidates.Add((hypothesis, token, hypothesis.LogProb + logProb));
                }
                var parents = alive;
                alive = [];
                var ranked = candidates.OrderByDescending(candidate => candidate.LogProb).Take(2 * options.Beam);
                foreach (var (rank, (parent, token, logProb)) in ranked.Index())
                {
                    var next = new Hypothesis(parent, token, logProb, parent.Length + 1, parent.Looked, null);
                    if (token == tokenizer.Special.Eos || next.Length > limit)
                    {
                        // An end that is not among the best of all counts for nothing: a beam of 1 must be greedy.
                        if (rank < options.Beam && (best is null || Worth(next) > Worth(best))) best = next;
                    }
                    else if (alive.Count < options.Beam) alive.Add(next);
                }
                // No longer hypothesis can become worth more: log p only falls, and the longest divisor is known.
                var divisor = Math.Pow((5.0 + limit + 1) / 6, options.LengthPenalty);
                if (best is not null && (options.Beam == 1 || alive.All(hypothesis => hypothesis.LogProb / divisor <= Worth(best))))
                    alive = [];
                HandOver(parents, alive);
            }
        }
        finally
        {
            foreach (var hypothesis in alive) hypothesis.State?.Dispose();
        }
        return best!.Result(tokenizer.Special.Eos);
    }

    /// <summary>The first child takes its parent's state, the others copies; a parent without children gives it up.</summary>
    private static void HandOver(List<Hypothesis> parents, List<Hypothesis> children)
    {
        var taken = new HashSet<Hypothesis>();
        foreach (var child in children.AsEnumerable().Reverse())
        {
            var last = !children.Exists(other => other != child && other.Parent == child.Parent && other.State is null);
            child.State = last ? child.Parent!.State : child.Parent!.State!.Fork();
            if (last) taken.Add(child.Parent!);
        }
        foreach (var parent in parents)
        {
            if (!taken.Contains(parent)) parent.State?.Dispose();
            parent.State = null;
        }
    }

    /// <summary>The likeliest tokens that have a text or end it, with log p.</summary>
    private List<(int Token, double LogProb)> Likeliest(Span<float> logits, int count)
    {
        var special = tokenizer.Special;
        logits[special.Bos] = logits[special.Pad] = float.NegativeInfinity;
        var (max, total) = (float.NegativeInfinity, 0.0);
        foreach (var logit in logits) max = Math.Max(max, logit);
        foreach (var logit in logits) total += MathF.Exp(logit - max);
        var log = max + Math.Log(total);
        var top = new PriorityQueue<int, float>();
        for (var token = 0; token < Math.Min(logits.Length, tokenizer.VocabSize); token++)
        {
            if (top.Count < count) top.Enqueue(token, logits[token]);
            else if (top.TryPeek(out _, out var least) && logits[token] > least) top.EnqueueDequeue(token, logits[token]);
        }
        var found = new List<(int, double)>();
        while (top.TryDequeue(out var token, out var logit)) found.Add((token, logit - log));
        return found;
    }

    private sealed class Hypothesis(Hypothesis? parent, int token, double logProb, int length, float[] attention, DecodeState? state)
    {
        public Hypothesis? Parent => parent;

        public int Token => token;

        public double LogProb => logProb;

        public int Length => length;

        public DecodeState? State { get; set; } = state;

        /// <summary>What was looked at to choose the next token.</summary>
        public float[] Looked { get; set; } = [];

        public (int[] Tokens, double LogProb, IReadOnlyList<float[]> Attention) Result(int eos)
        {
            var (tokens, rows) = (new List<int>(), new List<float[]>());
            for (var at = this; at.Parent is not null; at = at.Parent)
            {
                tokens.Add(at.Token);
                rows.Add(at.Row);
            }
            tokens.Reverse();
            rows.Reverse();
            if (tokens[^1] == eos) tokens.RemoveAt(tokens.Count - 1);
            return ([.. tokens], logProb, rows[0].Length == 0 ? [] : rows);
        }

        private float[] Row => attention;
    }
}
