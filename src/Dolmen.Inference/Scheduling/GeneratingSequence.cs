using System.Diagnostics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Constraints;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>A text while it is generated: which tokens are still to be computed, and what follows from the logits after the last of
/// them.</summary>
internal sealed class GeneratingSequence : IDisposable
{
    /// <summary>Logits held at once while a prompt is scored, and kept for the next pass.</summary>
    private const int MaxLogits = 1 << 19;

    private readonly LanguageModel _model;
    private readonly GenerationOptions _options;
    private readonly long _number;
    private readonly int _drawable;
    private readonly int[] _ends;
    private readonly int _limit;
    private readonly List<int> _tokens;                                  // the prompt and what was drawn
    private readonly ConstraintCursor? _cursor;
    private readonly LogitRules _rules;
    private readonly Sampler _sampler;
    private readonly StreamingDecoder _decoder;
    private readonly TextGate _gate;
    private readonly List<TokenLogprob> _ofPrompt = [];
    private readonly List<TokenLogprob> _logprobs = [];
    private readonly PromptPooling? _pooling;
    private float[] _logits = [];
    private float[] _hidden = [];
    private GenerationResult? _result;
    private long _began, _drawing;
    private DecodeState? _before;                                        // where the state cannot go back: it before the drafts
    private int _furthest, _prefilled, _steps;                           // of the prompt: computed once; computed now
    private int _drafted, _accepted;

    public GeneratingSequence(
        LanguageModel model, Tokenizer tokenizer, GenerationRequest request, long number, CancellationToken stop)
    {
        _number = number;
        (_model, _options, Stop) = (model, request.Options, stop);
        _tokens = [.. request.Prompt.Span];
        PromptLength = _tokens.Count;
        // A padded vocabulary has ids without text: they are never drawn.
        _drawable = Math.Min(model.Config.VocabSize, tokenizer.VocabSize);
        _limit = Math.Min(_options.MaxTokens, model.Config.ContextLength - PromptLength);
        _ends = [.. _options.IgnoreEnds ? [] : tokenizer.Ends, .. _options.StopTokens];
        if (_options.Pooling is { } pooling) _pooling = new PromptPooling(pooling, PromptLength, model.HiddenSize);
        var atStart = _tokens.TrueForAll(tokenizer.IsSpecial);
        _cursor = _options.Constraint?.Begin(dropsSpace: atStart && tokenizer.DropsLeadingSpace);
        _rules = new LogitRules(_options.Sampling, _tokens, _ends, _cursor);
        _sampler = new Sampler(_options.Sampling);
        _decoder = new StreamingDecoder(tokenizer, skipSpecial: !_options.ShowSpecial, atStart);
        _gate = new TextGate(_options.Stop ?? [], Generation.Add, _options.ShowStop);
    }

    public Generation Generation { get; } = new();

    public CancellationToken Stop { get; }

    /// <summary>Null while the text waits for its turn.</summary>
    public DecodeState? State { get; private set; }

    public int PromptLength { get; }

    /// <summary>Every token of the prompt must be computed for it, even where another prompt begins alike.</summary>
    public bool NeedsWholePrompt => IsScored || _pooling is { NeedsAll: true };

    private bool IsScored => _options is { ScorePrompt: true, Logprobs: not null };

    public bool IsFinished => _result is not null;

    public int Length => _tokens.Count;

    /// <summary>Tokens to compute before the next one is drawn.</summary>
    public int Pending => _tokens.Count - (State?.Length ?? 0);

    public bool IsInPrompt => State is null || State.Length < PromptLength;

    /// <summary>The prompt is read, and not more is to be computed than the last token and what a wrong guess took back.</summary>
    public bool IsWriting => !IsInPrompt && Pending <= 1 + Speculation.MostDrafts;

    /// <summary>Tokens guessed to follow: <see cref="Next"/> adds them to what is computed.</summary>
    public List<Draft> Drafts { get; } = [];

    /// <summary>How many of the guesses of the last pass were compared with what was drawn, and how many were the same.</summary>
    public int Judged { get; private set; }

    public int LastAccepted { get; private set; }

    public PromptLookup? Lookup { get; set; }

    public AcceptanceRates? Rates { get; set; }

    /// <summary>Where copies of the state are kept on the way through the prompt, ascending.</summary>
    public IReadOnlyList<int> Cuts { get; private set; } = [];

    public ReadOnlySpan<int> Tokens => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tokens);

    /// <summary>What is computed.</summary>
    public ReadOnlySpan<int> Computed => Tokens[..(State?.Length ?? 0)];

    /// <summary>Its place among the texts that have their turn.</summary>
    public int Slot { get; private set; }

    public void Begin(DecodeState state, IReadOnlyList<int> cuts, int slot)
    {
        if (_began == 0) (_began, CachedTokens) = (Stopwatch.GetTimestamp(), state.Length);
        (State, Cuts, Slot) = (state, cuts, slot);
        Generation.Start();
    }

    private int CachedTokens { get; set; }

    /// <summary>How far it is. Read beside a pass, so each number is of some moment of it.</summary>
    public RunningText Progress() => new(
        Slot, _number, PromptLength, Math.Min(PromptLength, State?.Length ?? 0), CachedTokens, Output, _limit, _options);

    /// <summary>Gives the state back: it is computed anew, or has another owner.</summary>
    public DecodeState Release()
    {
        var state = State!;
        State = null;
        return state;
    }

    /// <summary>The next tokens to compute, at most <paramref name="most"/> of them.</summary>
    public SequenceSlice Next(int most)
    {
        var state = State!;
        var at = state.Length;
        var end = Math.Min(_tokens.Count, at + most);
        if (at < PromptLength) end = Math.Min(end, PromptLength);
        // What was drawn is computed again as it was the first time: token by token, where the length decides.
        else if (_model.DependsOnLength) end = at + 1;
        foreach (var cut in Cuts)
        {
            if (cut <= at) continue;
            end = Math.Min(end, cut);
            break;
        }
        var rows = end == _tokens.Count ? 1 + Drafts.Count : 0;
        if (IsScored && at < PromptLength)
        {
            end = Math.Min(end, at + Math.Max(1, MaxLogits / _model.Config.VocabSize));
            rows = end - at;
        }
        var size = rows * _model.Config.VocabSize;
        if (_logits.Length < size) _logits = new float[size];
        var states = (_pooling?.Rows(end - at, end) ?? 0) * _model.HiddenSize;
        if (_hidden.Length < states) _hidden = new float[states];
        int[] tokens = [.. Tokens[at..end], .. rows > 0 ? Drafts.Select(draft => draft.Token) : []];
        return new SequenceSlice(state, tokens)
        {
            PromptEnd = at < PromptLength ? PromptLength : 0, Logits = _logits.AsMemory(0, size),
            HiddenStates = _hidden.AsMemory(0, states),
        };
    }

    /// <summary>Goes on after a slice was computed: scores the prompt where that was asked for, draws the next token where all before it
    /// are there.</summary>
    public void Accept(SequenceSlice slice)
    {
        var end = State!.Length - Drafts.Count;
        var (furthest, before) = (Math.Min(end, PromptLength), _furthest);
        _furthest = Math.Max(before, furthest);
        _prefilled += _furthest - Math.Max(before, Math.Min(State.Length - slice.Tokens.Length, _furthest));
        if (IsScored && end <= PromptLength) Score(slice, end);
        if (end <= PromptLength) _pooling?.Add(slice.HiddenStates.Span, end);
        if (end < _tokens.Count) return;
        if (_drawing == 0) _drawing = Stopwatch.GetTimestamp();
        else _steps++;
        if (Output == _limit) Finish(FinishReason.Length, null);
        else DrawAll(slice.Logits.Span[^((1 + Drafts.Count) * _model.Config.VocabSize)..], end);
    }

    /// <summary>How many tokens may be guessed: none but the last one is drawn without being computed.</summary>
    public int DraftRoom(int most) => Pending > 1 || _model.DependsOnLength ? 0 : Math.Min(most, _limit - Output - 1);

    /// <summary>Draws what the text would draw next from other logits.</summary>
    public Guesser Guess() => new(_sampler.Fork(), _cursor?.Fork(), _ends, _drawable);

    /// <summary>Leaves guesses out from the first on that cannot be right, or after which nothing follows.</summary>
    public void DropUselessDrafts()
    {
        var (cursor, useful) = (_cursor?.Fork(), 0);
        while (useful < Drafts.Count && Drafts[useful].Token is var token && token < _drawable && !_ends.Contains(token)
            && cursor?.TryAdvance(token) != false)
            useful++;
        Drafts.RemoveRange(useful, Drafts.Count - useful);
    }

    /// <summary>Keeps a copy of the state, for it cannot go back.</summary>
    public void KeepBefore() => _before = State!.Fork();

    /// <summary>Tells who waits for the text that it is there.</summary>
    public void Complete() => Generation.Complete(_result!);

    public void Dispose()
    {
        State?.Dispose();
        _before?.Dispose();
        (State, _before) = (null, null);
    }

    private int Output => _tokens.Count - PromptLength;

    private void Score(SequenceSlice slice, int end)
    {
        var vocab = _model.Config.VocabSize;
        if (_ofPrompt.Count == 0) Report(new TokenLogprob(_tokens[0], null, []));
        for (var i = end - slice.Tokens.Length; i < end; i++)
        {
            if (i + 1 != _ofPrompt.Count || i + 1 == PromptLength) continue;                     // scored before the text had to wait
            var logits = slice.Logits.Span.Slice((i - end + slice.Tokens.Length) * vocab, vocab);
            Report(TokenLogprob.Of(logits, _drawable, _tokens[i + 1], _options.Logprobs!.Value));
        }

        void Report(TokenLogprob token)
        {
            _ofPrompt.Add(token);
            Generation.Add(token);
        }
    }

    /// <summary>Draws the next token and, as long as it is the one that was guessed, the one after it.</summary>
    /// <param name="logits">(1 + drafts, V).</param>
    /// <param name="end">Tokens before the first that is drawn.</param>
    private void DrawAll(ReadOnlySpan<float> logits, int end)
    {
        var vocab = _model.Config.VocabSize;
        (Judged, LastAccepted) = (0, 0);
        for (var row = 0; row <= Drafts.Count && !IsFinished; row++)
        {
            if (row > 0) _steps++;
            Draw(logits.Slice(row * vocab, vocab));
            if (row == Drafts.Count) break;
            Judged++;
            if (_tokens.Count == end + row || _tokens[^1] != Drafts[row].Token) break;
            LastAccepted++;
        }
        (_drafted, _accepted) = (_drafted + Drafts.Count, _accepted + LastAccepted);
        if (_result is { } result)
            _result = result with { Statistics = result.Statistics with { DraftedTokens = _drafted, AcceptedTokens = _accepted } };
        TakeBack(end + LastAccepted);
        // Memory that nobody counts: many texts with guesses of a large vocabulary would hold much of it.
        if (Drafts.Count > 0 && _logits.Length > MaxLogits) _logits = [];
    }

    /// <summary>Takes what was guessed wrong out of the state; where it cannot go back, all that came with it.</summary>
    private void TakeBack(int length)
    {
        if (State!.Length > length && _before is { } before)
        {
            State.Dispose();
            (State, _before) = (before, null);
            return;
        }
        State.Truncate(length);
        _before?.Dispose();
        _before = null;
    }

    private void Draw(ReadOnlySpan<float> logits)
    {
        var possible = _rules.Apply(logits[.._drawable], mayEnd: Output >= _options.MinTokens, _limit - Output);
        if (possible.IsEmpty)
        {
            Finish(FinishReason.Stop, null);
            return;
        }
        var token = _sampler.Sample(possible);
        if (_options.Logprobs is { } top) _logprobs.Add(TokenLogprob.Of(logits, _drawable, token, top));
        if (_ends.Contains(token))
        {
            Finish(FinishReason.Stop, token);
            return;
        }
        _tokens.Add(token);
        if (_logprobs.Count > 0) Generation.Add(_logprobs[^1]);
        _rules.Count(token);
        _gate.Add(_decoder.Add(token), mayStop: Output >= _options.MinTokens);
        if (_gate.Stopped || _cursor is { MustEnd: true }) Finish(FinishReason.Stop, null);
        else if (Output == _limit) Finish(FinishReason.Length, null);
    }

    private void Finish(FinishReason reason, int? stopToken)
    {
        if (stopToken is { } shown && _options.ShowStop && _options.StopTokens.Contains(shown)) _gate.Add(_decoder.Add(shown));
        _gate.Add(_decoder.Flush());
        _gate.Finish();
        if (_gate.Stopped) reason = FinishReason.Stop;
        var statistics = new GenerationStatistics(
            _prefilled, Stopwatch.GetElapsedTime(_began, _drawing).TotalSeconds, _steps,
            Stopwatch.GetElapsedTime(_drawing).TotalSeconds) { CachedTokens = CachedTokens, StateBytes = State?.Bytes ?? 0 };
        _result = new GenerationResult(_gate.Text, [.. Tokens[PromptLength..]], reason, statistics)
        {
            StopToken = stopToken, Logprobs = _logprobs, PromptLogprobs = _ofPrompt, Pooled = _pooling?.Vector() ?? [],
        };
    }
}
