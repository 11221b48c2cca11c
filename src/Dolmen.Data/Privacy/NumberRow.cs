namespace Dolmen.Data.Privacy;

/// <param name="FirstDigit">Index among the row's digits.</param>
internal readonly record struct NumberGroup(int Start, int Length, int FirstDigit)
{
    public int End => Start + Length;
}

/// <summary>Groups of digits with one sign between each two.</summary>
internal readonly ref struct NumberRow(ReadOnlySpan<char> text, ReadOnlySpan<byte> digits, ReadOnlySpan<NumberGroup> groups)
{
    private readonly ReadOnlySpan<char> _text = text;
    private readonly ReadOnlySpan<byte> _digits = digits;
    private readonly ReadOnlySpan<NumberGroup> _groups = groups;

    public bool IsSpaceBefore(int group) => _text[_groups[group].Start - 1] is ' ' or '\u00A0' or '(';

    public NumberPart Part(int first, int last) =>
        new(
            _text,
            _digits[_groups[first].FirstDigit..(_groups[last].FirstDigit + _groups[last].Length)],
            _groups[first..(last + 1)],
            last - first + 1 == _groups.Length
        );
}

internal readonly ref struct NumberPart(ReadOnlySpan<char> text, ReadOnlySpan<byte> digits, ReadOnlySpan<NumberGroup> groups, bool isWhole)
{
    public ReadOnlySpan<char> Text { get; } = text;

    public ReadOnlySpan<byte> Digits { get; } = digits;

    public ReadOnlySpan<NumberGroup> Groups { get; } = groups;

    /// <summary>No other group of digits is beside it.</summary>
    public bool IsWhole { get; } = isWhole;

    public int Start => Groups[0].Start;

    public int End => Groups[^1].End;

    public char Before => Start > 0 ? Text[Start - 1] : '\0';

    public char After => End < Text.Length ? Text[End] : '\0';

    public bool TouchesWord => char.IsAsciiLetterOrDigit(After) || char.IsAsciiLetterOrDigit(Before) || After == '_' || Before == '_';

    /// <summary>Lengths of the groups, such as 334; empty when one is longer than 9 and not alone.</summary>
    public string Shape
    {
        get
        {
            if (Groups.Length == 1) return Digits.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
            Span<char> lengths = stackalloc char[Groups.Length];
            for (var index = 0; index < Groups.Length; index++)
            {
                if (Groups[index].Length > 9) return "";
                lengths[index] = (char)('0' + Groups[index].Length);
            }
            return new(lengths);
        }
    }

    /// <summary>Whether every sign between two groups is one of these.</summary>
    public bool SeparatedBy(string signs)
    {
        for (var index = 1; index < Groups.Length; index++)
        {
            var between = Text[Groups[index - 1].End..Groups[index].Start];
            if (between.Length != 1 || !signs.Contains(between[0])) return false;
        }
        return true;
    }
}
