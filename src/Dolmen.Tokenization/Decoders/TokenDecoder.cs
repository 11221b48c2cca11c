using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// tokenizer.json's decoder, followed step by step: the texts of all tokens of a sequence to its text. Most decoders show a token the same
/// wherever it stands; those are also known token by token, which streaming and offsets need.
/// </summary>
internal sealed class TokenDecoder
{
    private const string Before = "|";
    private const int MostGrowth = 20;
    private const long AlwaysAllowed = 1 << 16;

    private readonly IReadOnlyList<DecoderStep> _steps;
    private readonly IReadOnlyList<DecoderStep> _alone;                  // those before tokens are put together
    private readonly bool _toBytes;
    private readonly string[] _texts;            // by id, as the file writes them

    /// <param name="steps">In their order.</param>
    /// <param name="texts">Of every id, as the file writes them.</param>
    /// <param name="wholeOnly">Tokens are not shown one by one.</param>
    public TokenDecoder(IReadOnlyList<DecoderStep> steps, string[] texts, bool wholeOnly = false)
    {
        (_steps, _texts) = (steps, texts);
        var fuse = steps.ToList().FindIndex(step => step is FuseStep or ByteLevelStep);
        _alone = fuse < 0 ? steps : [.. steps.Take(fuse)];
        _toBytes = fuse >= 0 && steps[fuse] is ByteLevelStep;
        var behind = fuse < 0 ? [] : steps.Skip(fuse + 1).ToArray();
        DropsSpace = behind is [StripSpaceStep];
        IsLocal = !wholeOnly && (DropsSpace || behind.Length == 0)
            && _alone.All(step => step is EachTokenStep or ByteFallbackStep or MetaspaceStep { Prefix: false });
        // What is neither replaced nor stripped may change as a whole.
        Unsettled = (int)Math.Min(EachTokenStep.Any, behind.Sum(Reach));
        HasBytes = _alone.Any(step => step is ByteFallbackStep);
    }

    private static long Reach(DecoderStep step) => step switch
    {
        EachTokenStep each => each.Reach,
        StripSpaceStep => 1,
        _ => EachTokenStep.Any,
    };

    /// <summary>A token is shown the same wherever it stands, but for a space at the beginning of the text.</summary>
    public bool IsLocal { get; }

    /// <summary>The text loses a space at its beginning.</summary>
    public bool DropsSpace { get; }

    /// <summary>How many characters at the end of a text may still change when tokens follow.</summary>
    public int Unsettled { get; }

    private bool HasBytes { get; }

    /// <param name="tokens">All of a text, or of a stretch of it.</param>
    /// <param name="atStart">They begin the text.</param>
    /// <exception cref="UserErrorException">The text would grow beyond all use.</exception>
    public string Decode(IReadOnlyList<int> tokens, bool atStart = true)
    {
        // A token before them stands for what a text has before: what its steps do at the beginning is then done already.
        List<string> texts = atStart ? [] : [Before];
        foreach (var token in tokens) texts.Add(_texts[token]);
        if (texts.Count == 0) return "";
        var longest = AlwaysAllowed + MostGrowth * texts.Sum(text => (long)text.Length);
        foreach (var step in _steps)
        {
            texts = step.Apply(texts, longest);
            DecoderStep.Check(texts.Sum(text => (long)text.Length), longest);
        }
        var all = string.Concat(texts);
        return atStart ? all : all[Math.Min(all.Length, Before.Length)..];
    }

    /// <summary>Whether the file gives the id to a token.</summary>
    public bool IsUsed(int token) => _texts[token].Length > 0;

    /// <summary>What a token shows within a text.</summary>
    public byte[] BytesOf(int token)
    {
        if (!IsUsed(token)) return [];
        if (HasBytes && SentencePieceTokenizer.ByteOf(_texts[token]) is { } value) return [value];
        List<string> texts = [_texts[token]];
        foreach (var step in _alone)
        {
            // These look at the beginning and the end of a whole text.
            texts = step is MetaspaceStep or WordEndStep
                ? [.. step.Apply(["", .. texts, ""], AlwaysAllowed).Skip(1).Take(1)]
                : step is SpacesBetweenStep ? texts : step.Apply(texts, MostGrowth * AlwaysAllowed);
        }
        var text = string.Concat(texts);
        return (_toBytes ? ByteAlphabet.ToBytes(text) : null) ?? Encoding.UTF8.GetBytes(text);
    }
}

/// <summary>Behind the fuse, one space at the beginning of the whole text goes.</summary>
internal sealed class StripSpaceStep : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest) =>
        tokens.ConvertAll(token => token.StartsWith(' ') ? token[1..] : token);
}
