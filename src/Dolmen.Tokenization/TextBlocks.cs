using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A text of any length in blocks. It is UTF-8, or what its byte-order mark says, and bytes that are not are an error.</summary>
internal static class TextBlocks
{
    /// <summary>Characters of a text that are read as one document. A longer one is cut where a line ends and a letter begins the
    /// next, or else before a space between letters: no published pre-tokenizer has a piece that reaches over there.</summary>
    private const int BlockLength = 1 << 20;

    private const int BytesAtOnce = 1 << 16;

    /// <summary>The most bytes of a text that is not UTF-8.</summary>
    private const long LargestOther = 1L << 30;

    public static IEnumerable<string> Read(string path)
    {
        using (var file = DataFile.Open(path, "a file of text"))
        {
            var start = new byte[4];
            var read = file.Read(start);
            if (StrictText.Marked(start.AsSpan(0, read)) is not null)
            {
                using var whole = DataFile.Open(path, "a file of text");
                yield return StrictText.DecodeWhole(whole.ReadAll(LargestOther), path);
                yield break;
            }
        }
        using var text = new Utf8Text(path);
        var buffer = new char[BlockLength];
        for (var held = 0; ;)
        {
            held += text.Read(buffer.AsSpan(held));
            if (text.IsAtEnd)
            {
                if (held > 0) yield return new string(buffer, 0, held);
                yield break;
            }
            var cut = Cut(buffer.AsSpan(0, held));
            if (cut == 0)
            {
                Array.Resize(ref buffer, checked(buffer.Length * 2));
                continue;
            }
            yield return new string(buffer, 0, cut);
            buffer.AsSpan(cut, held - cut).CopyTo(buffer);
            held -= cut;
        }
    }

    /// <summary>0 where there is no place to cut.</summary>
    private static int Cut(ReadOnlySpan<char> text)
    {
        for (var at = text.Length - 1; at >= 2; at--)
            if (text[at - 1] == '\n' && char.IsLetter(text[at]) && !char.IsWhiteSpace(text[at - 2])) return at;
        for (var at = text.Length - 2; at >= 1; at--)
            if (text[at] == ' ' && char.IsLetter(text[at + 1]) && char.IsLetter(text[at - 1])) return at;
        return 0;
    }

    /// <summary>UTF-8 to characters, piece by piece.</summary>
    private sealed class Utf8Text(string path) : IDisposable
    {
        private readonly DataFile _file = DataFile.Open(path, "a file of text");
        private readonly byte[] _bytes = new byte[BytesAtOnce];
        private long _line = 1;
        private int _held;
        private bool _started, _ended;

        public bool IsAtEnd => _ended && _held == 0;

        /// <returns>As many characters as fit, fewer only at the text's end or where a pair of surrogates would be cut in two.</returns>
        public int Read(Span<char> into)
        {
            var written = 0;
            while (written < into.Length)
            {
                while (!_ended && _held < _bytes.Length)
                {
                    var read = _file.Read(_bytes.AsSpan(_held));
                    _held += read;
                    _ended = read == 0;
                }
                if (!_started) SkipMark();
                if (_held == 0) return written;
                var bytes = _bytes.AsSpan(0, _held);
                var status = Utf8.ToUtf16(
                    bytes,
                    into[written..],
                    out var used,
                    out var made,
                    replaceInvalidSequences: false,
                    isFinalBlock: _ended
                );
                if (status == OperationStatus.InvalidData)
                    throw StrictText.Invalid(bytes, path, _line);
                _line += bytes[..used].Count((byte)'\n');
                bytes[used..].CopyTo(_bytes);
                _held -= used;
                written += made;
                if (status == OperationStatus.DestinationTooSmall) return written;
            }
            return written;
        }

        public void Dispose() => _file.Dispose();

        private void SkipMark()
        {
            _started = true;
            if (!_bytes.AsSpan(0, _held).StartsWith(Encoding.UTF8.Preamble)) return;
            _bytes.AsSpan(3, _held - 3).CopyTo(_bytes);
            _held -= 3;
        }
    }
}
