namespace Dolmen.Tokenization;

/// <summary>Cuts text into the pieces within which merges happen. Safe to use from several threads at once.</summary>
public abstract class PreTokenizer
{
    /// <summary>What Dolmen's own vocabularies are learned with: the split of OpenAI's o200k vocabulary.</summary>
    public static PreTokenizer O200k { get; } = new O200kPreTokenizer();

    /// <summary>The regular expression whose matches, one behind the other, are the pieces, in an engine whose unit is the code point;
    /// as tokenizer.json names it.</summary>
    public abstract string Pattern { get; }

    /// <summary>End of the piece of UTF-8 that begins at <paramref name="start"/>, which always lies behind it. Bytes that are not UTF-8
    /// count as symbols.</summary>
    public abstract int Next(ReadOnlySpan<byte> text, int start);
}
