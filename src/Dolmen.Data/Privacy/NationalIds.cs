namespace Dolmen.Data.Privacy;

/// <summary>National identity and tax numbers: United States (SSN), Korea (RRN), Germany (Steuer-IdNr.), Spain (DNI, NIE), France (NIR, not
/// Corsica's), China (resident id), India (Aadhaar), Brazil (CPF), Japan (My Number). Where one check digit is all there is (Aadhaar,
/// My Number) the usual groups are asked for too; the SSN has none at all and goes by its form and the ranges never issued.</summary>
internal static class NationalIds
{
    private static readonly int[] KoreanWeights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    private static readonly int[] ChineseWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    private static readonly int[] JapaneseWeights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    private const string ChineseChecks = "10X98765432", SpanishChecks = "TRWAGMYFPDXBNJZSQVHLCKE";

    /// <param name="start">Moved to a letter that belongs to the number, like <paramref name="stop"/>.</param>
    public static bool Is(NumberPart part, int from, ref int start, ref int stop)
    {
        var digits = part.Digits;
        if (IsSpanish(part, from, ref start, ref stop) || IsChinese(part, ref stop)) return true;
        if (part.TouchesWord) return false;
        return part.Shape switch
        {
            "324" => part.SeparatedBy("- ")
                && Number(digits[..3]) is not (0 or 666 or >= 900)
                && Number(digits[3..5]) > 0
                && Number(digits[5..]) > 0,
            "67" => part.SeparatedBy("-") && IsKorean(digits),
            "11" or "2333" => part.SeparatedBy(" ") && IsGerman(digits),
            "15" or "1222332" => part.SeparatedBy(" ") && IsFrench(digits),
            "3332" => part.SeparatedBy(".-") && part.Text[part.End - 3] == '-' && IsBrazilian(digits),
            "444" => part.IsWhole && part.SeparatedBy(" -") && (IsIndian(digits) || IsJapanese(digits)),
            _ => false,
        };
    }

    private static bool IsSpanish(NumberPart part, int from, ref int start, ref int stop)
    {
        if (part.Groups.Length > 1) return false;
        var letterAt = part.After == '-' ? part.End + 1 : part.End;
        if (letterAt >= part.Text.Length || !char.IsAsciiLetter(part.Text[letterAt]))
            return false;
        if (letterAt + 1 < part.Text.Length && (char.IsLetterOrDigit(part.Text[letterAt + 1]) || part.Text[letterAt + 1] == '_'))
            return false;
        var number = Number(part.Digits);
        var foreign = part.Before is 'X' or 'Y' or 'Z';
        if (foreign ? part.Digits.Length != 7 || part.Start - 1 < from : part.Digits.Length != 8 || char.IsLetterOrDigit(part.Before))
            return false;
        if (foreign)
            number += (part.Before - 'X') * 10_000_000L;
        if (char.ToUpperInvariant(part.Text[letterAt]) != SpanishChecks[(int)(number % 23)])
            return false;
        if (foreign)
            start--;
        stop = letterAt + 1;
        return true;
    }

    private static bool IsChinese(NumberPart part, ref int stop)
    {
        var digits = part.Digits;
        if (part.Groups.Length > 1 || digits.Length is not (17 or 18) || char.IsLetterOrDigit(part.Before) || digits[0] is 0 or 9)
            return false;
        var check = part.After;
        if (digits.Length == 18) check = (char)('0' + digits[17]);
        else if (check is not ('x' or 'X')) return false;
        var next = digits.Length == 18 ? part.End : part.End + 1;
        if (next < part.Text.Length && char.IsAsciiLetterOrDigit(part.Text[next])) return false;
        if (!IsDate((int)Number(digits[6..10]), (int)Number(digits[10..12]), (int)Number(digits[12..14]))) return false;
        if (ChineseChecks[Weighted(digits, ChineseWeights) % 11] != char.ToUpperInvariant(check)) return false;
        stop = next;
        return true;
    }

    private static bool IsKorean(ReadOnlySpan<byte> digits)
    {
        var century = digits[6] switch
        {
            1 or 2 or 5 or 6 => 1900,
            3 or 4 or 7 or 8 => 2000,
            _ => 1800,
        };
        return IsDate(century + (int)Number(digits[..2]), (int)Number(digits[2..4]), (int)Number(digits[4..6]))
            && (11 - (Weighted(digits, KoreanWeights) % 11)) % 10 == digits[12];
    }

    private static bool IsGerman(ReadOnlySpan<byte> digits)
    {
        if (digits[0] == 0) return false;
        Span<int> times = stackalloc int[10];
        foreach (var digit in digits[..10]) times[digit]++;
        int doubled = 0, tripled = 0, more = 0;
        foreach (var count in times)
        {
            if (count == 2) doubled++;
            else if (count == 3) tripled++;
            else if (count > 3) more++;
        }
        if (more > 0 || doubled + tripled != 1) return false;
        var product = 10;
        foreach (var digit in digits[..10])
        {
            var sum = (digit + product) % 10;
            product = (sum == 0 ? 10 : sum) * 2 % 11;
        }
        return (11 - product) % 10 == digits[10];
    }

    private static bool IsFrench(ReadOnlySpan<byte> digits) =>
        digits[0] is 1 or 2 && Number(digits[3..5]) is (>= 1 and <= 12) or (>= 20 and <= 42) or >= 50
        && 97 - (Number(digits[..13]) % 97) == Number(digits[13..]);

    private static bool IsBrazilian(ReadOnlySpan<byte> digits)
    {
        if (digits.IndexOfAnyExcept(digits[0]) < 0) return false;
        return Check(digits[..9]) == digits[9] && Check(digits[..10]) == digits[10];

        static int Check(ReadOnlySpan<byte> part)
        {
            var sum = 0;
            for (var index = 0; index < part.Length; index++) sum += part[index] * (part.Length + 1 - index);
            return sum * 10 % 11 % 10;
        }
    }

    private static bool IsJapanese(ReadOnlySpan<byte> digits)
    {
        var rest = Weighted(digits, JapaneseWeights) % 11;
        return digits.IndexOfAnyExcept(digits[0]) >= 0 && (rest <= 1 ? 0 : 11 - rest) == digits[11];
    }

    // Verhoeff: the dihedral group of the pentagon, permuted by (1 5 8 9 4 2 7 0)(3 6) at each place from the right.
    private static bool IsIndian(ReadOnlySpan<byte> digits)
    {
        if (digits[0] < 2) return false;
        ReadOnlySpan<byte> permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        var sum = 0;
        for (var place = 0; place < digits.Length; place++)
        {
            int digit = digits[^(place + 1)];
            for (var times = place % 8; times > 0; times--) digit = permutation[digit];
            sum = Multiply(sum, digit);
        }
        return sum == 0;

        static int Multiply(int left, int right) => left < 5
            ? right < 5 ? (left + right) % 5 : 5 + ((left + right) % 5)
            : right < 5 ? 5 + ((left - right) % 5) : (left - right + 5) % 5;
    }

    private static bool IsDate(int year, int month, int day) =>
        year is > 1800 and < 2100 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);

    private static int Weighted(ReadOnlySpan<byte> digits, int[] weights)
    {
        var sum = 0;
        for (var index = 0; index < weights.Length; index++) sum += weights[index] * digits[index];
        return sum;
    }

    private static long Number(ReadOnlySpan<byte> digits)
    {
        long number = 0;
        foreach (var digit in digits) number = (number * 10) + digit;
        return number;
    }
}
