using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace Dolmen.Data.Filters;

/// <summary>Cuts a text in one pass.
/// Words are a tokenizer's: runs of letters, digits and marks, joined over an apostrophe, point, hyphen, underscore or slash between two
/// of them and over a comma or colon before a digit; each run of one punctuation mark or symbol is a word too. Against NLTK's tokenizer,
/// contractions stay whole. French, Italian and Catalan elisions are words of their own (l'), Korean particles of the stop word list are
/// parted from the word they end, and scripts without spaces are cut by <see cref="UnspacedScripts"/>.
/// A sentence ends at a terminal mark that space follows (Latin marks; a point not before a lower-case letter nor after an initial), at a
/// full-width or Indic one anywhere, and at the end of a line; a few titles and abbreviations end none. Punkt's trained models know
/// more.</summary>
internal ref struct TextCutter
{
    private const string Closers = "\"')]}”’»」』）";
    private static readonly SearchValues<char> SpacedTerminals = SearchValues.Create(".!?…");
    private static readonly SearchValues<char> Terminals = SearchValues.Create("。！？｡।॥။؟۔።፧։៕།");

    private static readonly SearchValues<char> BeforeWords = SearchValues.Create(" \n\t(\"“");

    private const int AsciiBlock = 16;

    private readonly ReadOnlySpan<char> _text;
    private readonly string _whole;
    private readonly LanguageThresholds _language;
    private readonly bool _isMarkdown;
    private Word[] _words;
    private Line[] _lines;
    private int _wordCount, _lineCount, _lineStart, _firstWord, _chunks, _chunkStart, _longestChunk, _sentences, _breaks, _punctuation;
    private bool _open, _emptyBefore;

    public TextCutter(string text, LanguageThresholds language, bool isMarkdown)
    {
        _isMarkdown = isMarkdown;
        _text = text;
        _whole = text;
        _language = language;
        _words = ArrayPool<Word>.Shared.Rent(Math.Clamp(text.Length / 4, 64, TextView.MaxWords));
        _lines = ArrayPool<Line>.Shared.Rent(Math.Clamp(text.Length / 64, 16, TextView.MaxLines));
        _chunkStart = -1;
        _emptyBefore = true;
    }

    public TextView Cut(string language)
    {
        var text = _text;
        var at = 0;
        while (at < text.Length)
        {
            var flags = CharClasses.FlagsOf(text[at]);
            if ((flags & CharClasses.Spaced) != 0)
            {
                if (_chunkStart < 0) _chunkStart = at;
                var letters = AsciiLetters(text, at);
                if (letters is 0 or AsciiBlock || text[at + letters] != ' ')
                {
                    at = SpacedWord(at, letters);
                    continue;
                }
                // Most words of most texts: letters, then a space.
                Add(at, letters, WordKind.Alphabetic);
                _open = true;
                at += letters;
                EndChunk(at++);
                continue;
            }
            var kind = CharClasses.ClassOf(flags);
            if (kind is CharClass.Space)
            {
                EndChunk(at++);
                continue;
            }
            if (kind is CharClass.Newline)
            {
                EndChunk(at);
                if (_lineCount == TextView.MaxLines - 1)
                {
                    at++;
                    _breaks++;
                    continue;
                }
                EndLine(at++);
                _breaks++;
                _lineStart = at;
                continue;
            }
            if (_chunkStart < 0) _chunkStart = at;
            if (kind is CharClass.Punctuation or CharClass.Symbol) at = Mark(at, kind);
            else if (kind is CharClass.Surrogate) at = Pair(at);
            else
            {
                at = UnspacedScripts.Cut(ref this, text, at, kind, _language.FunctionWords);
                _open = true;
            }
        }
        EndChunk(at);
        EndLine(at);
        return new(_whole, language, _words, _wordCount, _lines, _lineCount, _breaks)
        {
            IsMarkdown = _isMarkdown,
            PunctuationWords = _punctuation,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int start, int length, WordKind kind)
    {
        var words = _words;
        var count = _wordCount;
        if ((uint)count >= (uint)words.Length)
        {
            if (count >= TextView.MaxWords) return;
            Grow(ref _words);
            words = _words;
        }
        words[count] = new(start, length, kind, TextHash.OfPart(_text, start, length));
        _wordCount = count + 1;
    }

    private void AddPunctuation(int start, int length)
    {
        var before = _wordCount;
        Add(start, length, WordKind.Punctuation);
        _punctuation += _wordCount - before;                             // none where the text has too many words
    }

    /// <param name="letters">ASCII letters that are known to begin it.</param>
    private int SpacedWord(int start, int letters)
    {
        var text = _text;
        var at = start + letters;
        var flags = letters > 0 ? CharClasses.SpacedLetter : 0;
        while (true)
        {
            var here = 0;
            for (; (uint)at < (uint)text.Length; at++)
            {
                here = CharClasses.FlagsOf(text[at]);
                if ((here & CharClasses.Spaced) == 0) break;
                flags |= here;
            }
            if ((uint)at >= (uint)text.Length) break;
            var kind = CharClasses.ClassOf(here);
            if (kind is CharClass.Space or CharClass.Newline) break;
            if (kind is CharClass.Surrogate && Rune.DecodeFromUtf16(text[at..], out var rune, out var units) == OperationStatus.Done
                && CharClasses.Of(rune) is CharClass.Letter or CharClass.Digit)
            {
                if (CharClasses.Of(rune) == CharClass.Letter) flags |= CharClasses.SpacedLetter;
                at += units;
                continue;
            }
            if (kind is not CharClass.Punctuation || at + 1 >= text.Length || (CharClasses.FlagsOf(text[at + 1]) & CharClasses.Spaced) == 0)
                break;
            var mark = text[at];
            if (mark is '\'' or '’' && _language.Elides)
            {
                at++;
                break;
            }
            if (mark is not ('\'' or '’' or '.' or '-' or '_' or '/' or '‐') && !(mark is ',' or ':' && char.IsAsciiDigit(text[at + 1])))
                break;
            at++;
        }
        _open = true;
        if ((flags & CharClasses.SpacedHangul) != 0 && _language.PartsParticles && ParticleAt(start, at) is var particle && particle < at)
        {
            Add(start, particle - start, WordKind.Alphabetic);
            Add(particle, at - particle, WordKind.Alphabetic);
        }
        else
        {
            Add(start, at - start, (flags & CharClasses.SpacedLetter) != 0 ? WordKind.Alphabetic : WordKind.None);
        }
        return at;
    }

    /// <summary>How many of the next characters, up to <see cref="AsciiBlock"/>, are ASCII letters before one is not: most words end there,
    /// without a loop whose end no processor foretells. 0 close to the text's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int AsciiLetters(ReadOnlySpan<char> text, int at)
    {
        if (at + AsciiBlock > text.Length) return 0;
        var units = Vector256.LoadUnsafe(ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(text)), (nuint)at);
        var letters = Vector256.LessThan(
            (units | Vector256.Create((ushort)0x20)) - Vector256.Create((ushort)'a'),
            Vector256.Create((ushort)26)
        );
        return BitOperations.TrailingZeroCount(~letters.ExtractMostSignificantBits() & 0xFFFF | 1 << AsciiBlock);
    }

    /// <summary>Where the particle that ends the word begins, its end if none does.</summary>
    private readonly int ParticleAt(int start, int end)
    {
        for (var length = 2; length >= 1; length--)
        {
            if (end - start > length && _language.FunctionWords.IsWord(_text[(end - length)..end])) return end - length;
        }
        return end;
    }

    private int Mark(int start, CharClass kind)
    {
        var text = _text;
        var mark = text[start];
        var at = start + 1;
        while (at < text.Length && text[at] == mark) at++;
        if (_isMarkdown && IsMarkup(mark, start, at)) return at;
        if (kind == CharClass.Punctuation) AddPunctuation(start, at - start);
        else Add(start, at - start, WordKind.None);
        if (_open && EndsSentence(mark, start, at))
        {
            _open = false;
            _sentences++;
        }
        return at;
    }

    /// <summary>A heading's signs, and what parts the cells of a table.</summary>
    private readonly bool IsMarkup(char mark, int start, int end) =>
        mark == '#' ? start == _lineStart && end - start <= 6 && end < _text.Length && _text[end] == ' ' : mark == '|' && end - start == 1;

    private readonly bool EndsSentence(char mark, int start, int end)
    {
        if (Terminals.Contains(mark)) return true;
        if (!SpacedTerminals.Contains(mark)) return false;
        var text = _text;
        while (end < text.Length && Closers.Contains(text[end])) end++;
        if (end == text.Length) return true;
        if (!char.IsWhiteSpace(text[end])) return false;
        if (mark != '.') return true;
        var initial = start > 0 && char.IsUpper(text[start - 1]) && (start == 1 || !char.IsLetterOrDigit(text[start - 2]));
        while (end < text.Length && text[end] is ' ' or '\t') end++;
        return !initial && !(end < text.Length && char.IsLower(text[end])) && !IsAbbreviation(text[..start]);
    }

    private static bool IsAbbreviation(ReadOnlySpan<char> before)
    {
        var word = before[(before.LastIndexOfAny(BeforeWords) + 1)..];
        return word
            is "Mr"
                or "Mrs"
                or "Ms"
                or "Dr"
                or "Prof"
                or "St"
                or "Gen"
                or "Rep"
                or "Sen"
                or "Jr"
                or "Sr"
                or "vs"
                or "e.g"
                or "i.e"
                or "cf"
                or "al";
    }

    /// <summary>A character outside the basic plane, or half of one.</summary>
    private int Pair(int at)
    {
        if (Rune.DecodeFromUtf16(_text[at..], out var rune, out var units) != OperationStatus.Done)
        {
            Add(at, 1, WordKind.None);
            return at + 1;
        }
        _open = true;
        switch (CharClasses.Of(rune))
        {
            case CharClass.Letter or CharClass.Digit: return SpacedWord(at, 0);
            case CharClass.Han: return UnspacedScripts.Cut(ref this, _text, at, CharClass.Han, _language.FunctionWords);
            case CharClass.Punctuation: AddPunctuation(at, units); break;
            default: Add(at, units, WordKind.None); break;
        }
        return at + units;
    }

    private void EndChunk(int at)
    {
        if (_chunkStart < 0) return;
        _chunks++;
        _longestChunk = Math.Max(_longestChunk, at - _chunkStart);
        _chunkStart = -1;
    }

    private void EndLine(int at)
    {
        var end = at > _lineStart && _text[at - 1] == '\r' ? at - 1 : at;
        if (end == _lineStart)
        {
            _emptyBefore = true;
            return;
        }
        if (_open) _sentences++;
        if (_lineCount == _lines.Length) Grow(ref _lines);
        _lines[_lineCount++] = new(_lineStart, end - _lineStart, _firstWord, _chunks, _longestChunk, _sentences, _emptyBefore);
        _firstWord = _wordCount;
        _chunks = _longestChunk = _sentences = 0;
        _open = _emptyBefore = false;
    }

    private static void Grow<T>(ref T[] array)
    {
        var grown = ArrayPool<T>.Shared.Rent(array.Length * 2);
        array.CopyTo(grown, 0);
        ArrayPool<T>.Shared.Return(array);
        array = grown;
    }
}
