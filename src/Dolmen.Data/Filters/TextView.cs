using System.Buffers;

namespace Dolmen.Data.Filters;

/// <summary>A word: a run of letters and digits (with inner apostrophes, points, hyphens), a piece of a script without spaces, or a run of
/// one punctuation mark or symbol, as tokenizers count them.</summary>
internal readonly struct Word(int start, int length, WordKind kind, ulong hash)
{
    private readonly int _lengthAndKind = (length << 2) | (int)kind;

    /// <summary>Hash of the word's UTF-16 text, case included.</summary>
    public ulong Hash { get; } = hash;

    public int Start { get; } = start;

    public int Length => _lengthAndKind >> 2;

    public int End => Start + Length;

    /// <summary>Whether at least one of its characters is a letter.</summary>
    public bool IsAlphabetic => (_lengthAndKind & (int)WordKind.Alphabetic) != 0;

    /// <summary>Nothing but punctuation.</summary>
    public bool IsPunctuation => (_lengthAndKind & (int)WordKind.Punctuation) != 0;

    public Word MovedBy(int offset) => new(Start + offset, Length, (WordKind)(_lengthAndKind & 3), Hash);
}

[Flags]
internal enum WordKind
{
    None = 0,
    Alphabetic = 1,
    Punctuation = 2,
}

/// <summary>A line that holds more than nothing. Lines end at <c>\n</c>; a <c>\r</c> before it is not the line's.</summary>
/// <param name="FirstWord">Index of its first word; its last is before the next line's first.</param>
/// <param name="Chunks">Words as spaces alone bound them.</param>
/// <param name="LongestChunk">Chars of the longest of them.</param>
/// <param name="StartsParagraph">At least one empty line is before it, or nothing.</param>
internal readonly record struct Line(
    int Start,
    int Length,
    int FirstWord,
    int Chunks,
    int LongestChunk,
    int Sentences,
    bool StartsParagraph
)
{
    public int End => Start + Length;
}

/// <summary>A text cut into lines, paragraphs, sentences and words once, for all filters and for MinHash. One thread uses it at a time;
/// disposing it gives its arrays back, after which nothing of it but <see cref="Text"/> may be read.</summary>
internal sealed class TextView : IDisposable
{
    /// <summary>Beyond so many words no more are held, and beyond so many lines the rest is one: memory stays bounded whatever the text,
    /// and texts as long as that are too long for any corpus.</summary>
    public const int MaxWords = 1 << 21, MaxLines = 1 << 20;

    private Word[] _words;
    private Line[] _lines;
    private readonly int _wordCount, _lineCount;

    internal TextView(string text, string language, Word[] words, int wordCount, Line[] lines, int lineCount, int lineBreaks)
    {
        Text = text;
        Language = language;
        (_words, _wordCount) = (words, wordCount);
        (_lines, _lineCount) = (lines, lineCount);
        LineBreaks = lineBreaks;
    }

    public string Text { get; }

    public string Language { get; }

    public bool IsMarkdown { get; init; }

    public ReadOnlySpan<Word> Words => _words.AsSpan(0, _wordCount);

    /// <summary>How many of <see cref="Words"/> are punctuation.</summary>
    public int PunctuationWords { get; init; }

    /// <summary>The lines that are not empty.</summary>
    public ReadOnlySpan<Line> Lines => _lines.AsSpan(0, _lineCount);

    public int LineBreaks { get; }

    /// <summary>The filter that left lines out last, if one did.</summary>
    public IFilter? Editor { get; private init; }

    /// <summary>Words of the text it edited.</summary>
    public int WordsBefore { get; private init; }

    /// <summary>A text that ends with a line break has no further line after it, nor has an empty text one.</summary>
    public int LineCount => Text.Length == 0 ? 0 : EndsWithBreak ? LineBreaks : LineBreaks + 1;

    public bool StartsWithBreak => LineBreaks > 0 && (_lineCount == 0 || _lines[0].Start > 0);

    public bool EndsWithBreak => LineBreaks > 0 && Text[^1] == '\n';

    public int Sentences
    {
        get
        {
            var sum = 0;
            foreach (ref readonly var line in Lines) sum += line.Sentences;
            return sum;
        }
    }

    /// <param name="language">Decides how scripts without spaces, Korean particles and French elisions are cut.</param>
    /// <param name="isMarkdown">Made of a page by our extraction: its signs for headings and table cells are not words of the page.</param>
    public static TextView Of(string text, string language, bool isMarkdown = false)
    {
        var cutter = new TextCutter(text, LanguageThresholds.For(language), isMarkdown);
        return cutter.Cut(language);
    }

    public ReadOnlySpan<char> Of(in Line line) => Text.AsSpan(line.Start, line.Length);

    public ReadOnlySpan<char> Of(in Word word) => Text.AsSpan(word.Start, word.Length);

    public ReadOnlySpan<Word> WordsOf(int line) =>
        Words[_lines[line].FirstWord..(line + 1 < _lineCount ? _lines[line + 1].FirstWord : _wordCount)];

    /// <summary>The text of the lines marked, trimmed, one after another without empty ones: what was cut is moved, not cut
    /// again.</summary>
    public TextView Keep(ReadOnlySpan<bool> marked, IFilter editor)
    {
        int chars = 0, kept = 0, words = 0;
        for (var index = 0; index < _lineCount; index++)
        {
            if (!marked[index]) continue;
            chars += _lines[index].Length;
            words += WordsOf(index).Length;
            kept++;
        }
        var newWords = ArrayPool<Word>.Shared.Rent(Math.Max(words, 16));
        var newLines = ArrayPool<Line>.Shared.Rent(Math.Max(kept, 16));
        var buffer = ArrayPool<char>.Shared.Rent(Math.Max(chars + kept, 16));
        int at = 0, word = 0, line = 0, punctuation = 0;
        for (var index = 0; index < _lineCount; index++)
        {
            if (!marked[index]) continue;
            ref readonly var source = ref _lines[index];
            var content = Text.AsSpan(source.Start, source.Length).TrimStart();
            var start = source.End - content.Length;
            content = content.TrimEnd();
            if (line > 0) buffer[at++] = '\n';
            content.CopyTo(buffer.AsSpan(at));
            newLines[line] = source with { Start = at, Length = content.Length, FirstWord = word, StartsParagraph = line == 0 };
            line++;
            foreach (ref readonly var moved in WordsOf(index))
            {
                if (moved.IsPunctuation) punctuation++;
                newWords[word++] = moved.MovedBy(at - start);
            }
            at += content.Length;
        }
        var text = new string(buffer, 0, at);
        ArrayPool<char>.Shared.Return(buffer);
        return new(text, Language, newWords, word, newLines, line, Math.Max(0, line - 1))
        {
            Editor = editor, WordsBefore = _wordCount, IsMarkdown = IsMarkdown, PunctuationWords = punctuation,
        };
    }

    public void Dispose()
    {
        if (_words.Length > 0) ArrayPool<Word>.Shared.Return(_words);
        if (_lines.Length > 0) ArrayPool<Line>.Shared.Return(_lines);
        (_words, _lines) = ([], []);
    }
}
