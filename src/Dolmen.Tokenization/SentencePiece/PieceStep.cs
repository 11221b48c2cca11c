using System.Text;

namespace Dolmen.Tokenization;

/// <param name="Text">What the model is to cut into tokens.</param>
/// <param name="AtStart">The text that is encoded begins here.</param>
internal readonly record struct Piece(string Text, bool AtStart);

/// <summary>A step of tokenizer.json's pre_tokenizer for models that work on characters and not on bytes. It sees one piece at a
/// time.</summary>
internal abstract class PieceStep
{
    public abstract void Apply(Piece piece, List<Piece> output);
}

/// <summary>Cuts as a pre-tokenizer does, and leaves out what it drops.</summary>
internal sealed class SplitPieceStep(PreTokenizer split) : PieceStep
{
    public override void Apply(Piece piece, List<Piece> output)
    {
        var (bytes, ends) = (Encoding.UTF8.GetBytes(piece.Text), new List<int>());
        split.Split(bytes, ends);
        var start = 0;
        foreach (var end in ends)
        {
            if (end >= 0) output.Add(new Piece(Encoding.UTF8.GetString(bytes, start, end - start), piece.AtStart && start == 0));
            start = PreTokenizer.EndOf(end);
        }
    }
}

/// <summary>Writes a character for every space and cuts before each.</summary>
internal sealed class MetaspacePieceStep(string replacement, SpacePrefix prefix, bool split) : PieceStep
{
    public override void Apply(Piece piece, List<Piece> output)
    {
        var text = piece.Text.Replace(" ", replacement, StringComparison.Ordinal);
        if (
            (prefix == SpacePrefix.EverySection || (prefix == SpacePrefix.AtStart && piece.AtStart))
            && !text.StartsWith(replacement, StringComparison.Ordinal)
        )
            text = replacement + text;
        var start = 0;
        while (split && text.IndexOf(replacement, start + 1, StringComparison.Ordinal) is var end and > 0)
        {
            output.Add(new Piece(text[start..end], piece.AtStart && start == 0));
            start = end;
        }
        output.Add(new Piece(text[start..], piece.AtStart && start == 0));
    }
}

/// <summary>Writes the characters that stand for bytes.</summary>
internal sealed class ByteLevelPieceStep(bool space, bool useRegex) : PieceStep
{
    private readonly PreTokenizer _split = PreTokenizer.Gpt2;

    public override void Apply(Piece piece, List<Piece> output)
    {
        var bytes = Encoding.UTF8.GetBytes(space && !piece.Text.StartsWith(' ') ? ' ' + piece.Text : piece.Text);
        List<int> ends = [];
        if (useRegex) _split.Split(bytes, ends);
        else ends.Add(bytes.Length);
        var start = 0;
        foreach (var end in ends)
        {
            output.Add(new Piece(ByteAlphabet.ToText(bytes.AsSpan(start..end)), piece.AtStart && start == 0));
            start = end;
        }
    }
}
