namespace Dolmen.Tokenization;

/// <summary>What every kind of tokenizer has beside its way to cut text.</summary>
/// <param name="Bytes">Of every id; of an added token its text, of an id that is not used nothing.</param>
/// <param name="Before">Ids that the tokenizer's own template puts before a text; <paramref name="After"/> behind it.</param>
/// <param name="Decoder">A decoder that does more than to put the bytes of ids one behind the other.</param>
/// <param name="AddedInModel">Added tokens that are not special are found by the kind of tokenizer itself, as SentencePiece finds
/// symbols that users defined.</param>
internal sealed record Vocabulary(
    byte[][] Bytes, IReadOnlyList<AddedToken> Added, SpecialTokens Special, Normalizer? Normalizer = null,
    IReadOnlyList<int>? Before = null, IReadOnlyList<int>? After = null, TokenDecoder? Decoder = null, bool AddedInModel = false);

/// <summary>Added tokens are found first, then the rest is normalized and cut by the kind of tokenizer.</summary>
public abstract class VocabularyTokenizer : Tokenizer
{
    private readonly byte[][] _bytes;
    private readonly HashSet<int> _special;
    private readonly Finders _always, _whenAsked;

    private sealed record Finders(AddedTokens InText, AddedTokens InNormalized)
    {
        public static Finders Of(IEnumerable<AddedToken> added, Normalizer? normalizer)
        {
            // Those that are not normalized come first always, and be there no normalizer.
            var byPlace = added.ToLookup(token => token.Normalized);
            return new Finders(new AddedTokens(byPlace[false]),
                new AddedTokens(byPlace[true].Select(token => token with { Content = normalizer?.Apply(token.Content) ?? token.Content })));
        }
    }

    private protected VocabularyTokenizer(Vocabulary vocabulary)
    {
        (_bytes, Special, Added, Normalizer) = (vocabulary.Bytes, vocabulary.Special, vocabulary.Added, vocabulary.Normalizer);
        Before = vocabulary.Before ?? [];
        After = vocabulary.After ?? [];
        _special = [.. Added.Where(token => token.Special).Select(token => token.Id)];
        Steps = vocabulary.Decoder;
        _always = Finders.Of(Added.Where(token => !token.Special && !vocabulary.AddedInModel), Normalizer);
        _whenAsked = Finders.Of(Added.Where(token => token.Special || !vocabulary.AddedInModel), Normalizer);
    }

    public sealed override int VocabSize => _bytes.Length;

    public sealed override SpecialTokens Special { get; }

    public sealed override IReadOnlyList<AddedToken> Added { get; }

    public sealed override IReadOnlyList<int> Before { get; }

    public sealed override IReadOnlyList<int> After { get; }

    internal Normalizer? Normalizer { get; }

    internal sealed override TokenDecoder? Steps { get; }

    private protected byte[][] Bytes => _bytes;

    public sealed override bool IsSpecial(int token) => _special.Contains(token);

    public sealed override ReadOnlySpan<byte> BytesOf(int token) => (uint)token < (uint)_bytes.Length
        ? _bytes[token]
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has the ids 0 to {_bytes.Length - 1}.");

    public sealed override bool IsUsed(int token) => base.IsUsed(token) || (Steps?.IsUsed(token) ?? false);

    public sealed override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        var finders = parseSpecial ? _whenAsked : _always;
        var (start, next) = (0, 0);
        while (finders.InText.Find(text, start, ref next, out var span) is { } token)
        {
            if (span.Start > start) EncodeSection(text[start..span.Start], finders.InNormalized, output, atStart: start == 0);
            output.Add(token.Id);
            start = span.End;
        }
        EncodeSection(text[start..], finders.InNormalized, output, atStart: start == 0);
    }

    /// <param name="text">Holds no added tokens, and is what the normalizer left.</param>
    /// <param name="output">Gets the ids.</param>
    /// <param name="atStart">A text begins here.</param>
    private protected abstract void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output, bool atStart);

    private void EncodeSection(ReadOnlySpan<char> text, AddedTokens added, List<int> output, bool atStart)
    {
        if (text.IsEmpty) return;
        if (Normalizer is not null && !Normalizer.Keeps(text)) text = Normalizer.Apply(text.ToString());
        var (start, next) = (0, 0);
        while (added.Find(text, start, ref next, out var span) is { } token)
        {
            if (span.Start > start) EncodeOrdinary(text[start..span.Start], output, atStart && start == 0);
            output.Add(token.Id);
            start = span.End;
        }
        if (start < text.Length) EncodeOrdinary(text[start..], output, atStart && start == 0);
    }
}
