using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Text to token ids and back. Encoding any string and decoding the ids gives the string's UTF-8 bytes again.</summary>
public abstract class Tokenizer
{
    private int[]? _ends;

    /// <summary>Number of ids, special tokens included.</summary>
    public abstract int VocabSize { get; }

    public abstract SpecialTokens Special { get; }

    /// <summary>Stands for what the vocabulary cannot say; −1 where it can say everything.</summary>
    public virtual int Unknown => -1;

    /// <summary>Tokens that stand for their own text, special ones and others.</summary>
    public virtual IReadOnlyList<AddedToken> Added => [];

    /// <summary>Ids that open a text where the vocabulary's own template says so; <see cref="Encode(ReadOnlySpan{char}, bool)"/> leaves
    /// them to the caller. <see cref="After"/> are those that close a text.</summary>
    public virtual IReadOnlyList<int> Before => Special.Bos >= 0 ? [Special.Bos] : [];

    public virtual IReadOnlyList<int> After => [];

    /// <summary>Encoding puts a space before every text and decoding takes it away again.</summary>
    public virtual bool DropsLeadingSpace => false;

    /// <summary>Ids at which a generated text ends. A vocabulary of Dolmen's ends at each of its control tokens, since none is part of a
    /// text; another one at its end token. <see cref="EndAt"/> adds what the model's own files list.</summary>
    public IReadOnlyList<int> Ends => _ends ??= [.. OwnEnds.Where(id => id >= 0).Distinct()];

    /// <summary>The chat template of the folder it was loaded from; null where there is none.</summary>
    /// <exception cref="UserErrorException">The folder's template is damaged.</exception>
    public ChatTemplate? ChatTemplate => Template?.Value;

    /// <summary>The files it was read from, by their names, where Dolmen's own way to write them would say less; they are saved as they
    /// are.</summary>
    internal IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? Original { get; set; }

    /// <summary>A decoder that does more than to put the bytes of ids one behind the other; null where there is none.</summary>
    internal virtual TokenDecoder? Steps => null;

    /// <summary>Read when it is asked for: only a conversation needs it.</summary>
    internal Lazy<ChatTemplate?>? Template { get; set; }

    /// <summary>A token that controls and is not part of the text.</summary>
    public virtual bool IsSpecial(int token) => token == Special.Bos || token == Special.Eos || token == Special.Pad
        || token == Special.System || token == Special.User || token == Special.Assistant || token == Special.End;

    /// <summary>Ends generated texts at these ids too; negative ones mean "none".</summary>
    public void EndAt(IEnumerable<int> tokens) => _ends = [.. Ends.Concat(tokens.Where(id => id >= 0)).Distinct()];

    /// <summary>Appends the ids of <paramref name="text"/>. Unless <paramref name="parseSpecial"/>, text that looks like a special token
    /// is ordinary text, so that no document or user can forge one.</summary>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false);

    /// <summary>The bytes an id stands for; a special token's name in UTF-8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such id.</exception>
    public abstract ReadOnlySpan<byte> BytesOf(int token);

    /// <summary>Whether the id is that of a token. A token may show nothing by itself: a space that the decoder takes away.</summary>
    public virtual bool IsUsed(int token) => !BytesOf(token).IsEmpty;

    public int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = false)
    {
        var output = new List<int>(text.Length / 3 + 8);
        Encode(text, output, parseSpecial);
        return [.. output];
    }

    /// <summary>What a model is to go on with: the ids that open a text, then the text's. Where both are none, the begin token, since a
    /// model needs one token to say anything.</summary>
    public int[] EncodePrompt(ReadOnlySpan<char> text)
    {
        int[] tokens = [.. Before, .. Encode(text)];
        return tokens.Length == 0 && Special.Bos >= 0 ? [Special.Bos] : tokens;
    }

    public byte[] DecodeBytes(ReadOnlySpan<int> tokens)
    {
        if (Steps is { IsLocal: false } steps) return Encoding.UTF8.GetBytes(steps.Decode(Known(tokens)));
        var bytes = new List<byte>(tokens.Length * 4);
        var atStart = DropsLeadingSpace;
        foreach (var token in tokens)
        {
            var piece = BytesOf(token);
            if (Steps is not null || !IsSpecial(token)) piece = WithoutPrefix(piece, ref atStart);
            bytes.AddRange(piece);
        }
        return [.. bytes];
    }

    /// <summary>Where the bytes of each token begin in the UTF-8 of the decoded text, which is the encoded one unless a normalizer
    /// changed it.</summary>
    public int[] Offsets(ReadOnlySpan<int> tokens)
    {
        var offsets = new int[tokens.Length];
        var (at, atStart) = (0, DropsLeadingSpace);
        for (var i = 0; i < tokens.Length; i++)
        {
            offsets[i] = at;
            var piece = BytesOf(tokens[i]);
            at += (Steps is null && IsSpecial(tokens[i]) ? piece : WithoutPrefix(piece, ref atStart)).Length;
        }
        return offsets;
    }

    /// <summary>A piece as text shows it: the first one loses the space that encoding put before it.</summary>
    internal static ReadOnlySpan<byte> WithoutPrefix(ReadOnlySpan<byte> piece, scoped ref bool atStart)
    {
        var drop = atStart && piece.StartsWith((byte)' ');
        atStart = false;
        return drop ? piece[1..] : piece;
    }

    private IEnumerable<int> OwnEnds => Special.User >= 0
        ? [Special.Eos, Special.End, Special.Bos, Special.Pad, Special.System, Special.User, Special.Assistant]
        : [Special.Eos, Special.End];

    /// <summary>Bytes that are not UTF-8 become U+FFFD: one for each of a run of byte tokens where the tokenizer's own decoder says
    /// so.</summary>
    public string Decode(ReadOnlySpan<int> tokens) =>
        Steps is { } steps ? steps.Decode(Known(tokens)) : Encoding.UTF8.GetString(DecodeBytes(tokens));

    private int[] Known(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens) _ = BytesOf(token);
        return tokens.ToArray();
    }
}
