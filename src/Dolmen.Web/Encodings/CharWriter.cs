namespace Dolmen.Web.Encodings;

/// <summary>Where a decoder puts characters. No decoder of the Encoding Standard makes more UTF-16 units than it reads bytes, plus one
/// for an end in the middle of a character.</summary>
internal ref struct CharWriter(Span<char> room)
{
    private const char Replacement = '\uFFFD';

    private readonly Span<char> _room = room;

    public int Length { get; private set; }

    public void Put(char c) => _room[Length++] = c;

    public void Put(int codePoint)
    {
        if (codePoint < 0x10000)
        {
            Put((char)codePoint);
            return;
        }
        Put((char)(0xD7C0 + (codePoint >> 10)));
        Put((char)(0xDC00 + (codePoint & 0x3FF)));
    }

    public void Fail() => Put(Replacement);
}
