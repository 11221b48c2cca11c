using System.Collections.Frozen;

namespace Dolmen.Data.Privacy;

/// <summary>
/// Four numbers with dots that are a version, a section or an object identifier, and not an address: told by the word or sign beside them.
/// A port or a prefix length behind them (<c>8.8.4.4:53</c>, <c>8.8.8.0/24</c>) always makes them an address. A bounded number of
/// characters is looked at.
/// </summary>
internal static class VersionNumbers
{
    private const int Window = 64, MaxWord = 24, MaxChain = 8;

    private static readonly FrozenSet<string> Words = Set(
        // English, and what programs write
        "version versions ver vers v rv release releases rel build builds revision rev firmware patch hotfix edition driver drivers sdk "
            + "section sections sect sec subsection chapter chapters chap ch clause clauses paragraph para article appendix annex figure "
            + "fig table oid "
            // German, Dutch, Scandinavian
            + "fassung ausgabe kapitel kap abschnitt unterabschnitt absatz ziffer abbildung abb tabelle versie hoofdstuk paragraaf sectie "
            + "artikel avsnitt afsnit kapittel utgave "
            // French, Spanish, Catalan, Portuguese, Italian, Romanian
            + "chapitre paragraphe alinéa tableau versión versiones capítulo sección apartado párrafo artículo tabla figura versió capítol "
            + "secció versão versões seção secção parágrafo artigo tabela "
            + "versione versioni capitolo sezione paragrafo articolo tabella versiunea capitolul secțiunea "
            // Slavic, Hungarian, Finnish, Greek, Turkish
            + "версия версии версию версией версій версія глава главы главе раздел раздела разделе розділ пункт пункта пункте статья "
            + "сборка релиз "
            + "wersja wersji rozdział sekcja punkt verze kapitola verzia verzija poglavlje verzió fejezet versio luku έκδοση κεφάλαιο "
            + "ενότητα sürüm bölüm "
            // others
            + "versi bab إصدار الإصدار النسخة الفصل القسم संस्करण अध्याय גרסה פרק 版本 版 第 章 節 节 バージョン 버전 제 §"
    );

    // Only these, because "server" ends in "ver".
    private static readonly string[] Endings = ["version", "versions", "release", "build", "revision", "firmware"];

    private static readonly FrozenSet<string> Fillers = Set(
        "is was number no nr num n° nº of ist lautet est es är er numero número numéro номер"
    );

    private static readonly FrozenSet<string> Upgrades = Set(
        "upgrade upgraded upgrading update updated updating downgrade downgraded bump bumped migrate migrated"
    );

    private static readonly FrozenSet<string> Connectors = Set("and or to through thru until und oder bis et ou à y o a e и или до en of");

    private static readonly FrozenSet<string> WordsBehind = Set(
        "version versions release releases build firmware driver drivers update patch edition beta alpha"
    );

    private static readonly FrozenSet<string> Hosts = Set(
        "ip ipv4 host addr address server srv dns ns node client gw gateway peer router from to via at"
    );

    private static readonly FrozenSet<string> Software = Set(
        "openssl libressl boringssl gnutls openssh openvpn wireguard chrome chromium firefox safari edge opera msie clr gecko webkit "
            + "thunderbird java jdk jre openjdk "
            + "python php ruby perl node nodejs node.js npm yarn deno golang rust nginx httpd tomcat jetty iis mysql mariadb postgresql "
            + "postgres sqlite oracle redis mongodb "
            + "cassandra windows linux ubuntu debian fedora centos rhel macos ios ipados android kernel office word excel outlook "
            + "powerpoint acrobat reader flash player "
            + "shockwave photoshop illustrator lightroom silverlight skype zoom studio vlc winrar winzip 7-zip itunes quicktime directx "
            + "docker kubernetes git gcc clang llvm "
            + "cmake boost qt gtk .net framework mono unity wordpress joomla drupal magento jquery angular react vue bootstrap laravel "
            + "rails django numpy tensorflow pytorch "
            + "cuda cudnn nccl geforce adrenalin bios uefi vmware virtualbox esxi junos fortios pan-os routeros teamviewer anydesk putty "
            + "filezilla winscp notepad++ libreoffice "
            + "openoffice jenkins jira confluence gitlab elasticsearch kibana logstash grafana kafka hadoop spark hive zookeeper rabbitmq "
            + "log4j log4net spring hibernate struts "
            + "weblogic websphere jboss curl wget libcurl postfix exim dovecot samba zlib libpng ffmpeg imagemagick ghostscript steam "
            + "minecraft sap symbian"
    );

    public static bool IsAt(ReadOnlySpan<char> text, int at, int length) => IsAt(text, at, length, 0);

    private static bool IsAt(ReadOnlySpan<char> text, int at, int length, int chain)
    {
        if (IsReached(text, at + length)) return false;
        var number = text.Slice(at, length);
        return number is "1.3.6.1"
            || IsPadded(number)
            || IsBefore(text[Math.Max(0, at - Window)..at], at <= Window)
            || IsBehind(text, at + length)
            || IsBelowSection(text, at, number)
            || (chain < MaxChain && FollowsAnother(text, at, chain));
    }

    /// <summary>Whether a port or a prefix length comes next.</summary>
    private static bool IsReached(ReadOnlySpan<char> text, int end) =>
        end + 1 < text.Length && text[end] is ':' or '/' && char.IsAsciiDigit(text[end + 1]);

    /// <summary>A number such as 02 is not written in addresses, unless all four are padded to three digits.</summary>
    private static bool IsPadded(ReadOnlySpan<char> number)
    {
        if (number.Length == 15) return false;
        for (var i = 0; i + 1 < number.Length; i++)
            if (number[i] == '0' && (i == 0 || number[i - 1] == '.') && number[i + 1] != '.') return true;
        return false;
    }

    private static bool IsBefore(ReadOnlySpan<char> before, bool isWhole)
    {
        if (before.Length == 0) return false;
        // A longer dotted number, or OID.2.5.4.3.
        if (before is [.., var sign, '.'] && char.IsLetterOrDigit(sign))
            return true;
        if (
            before[^1] is '^' or '~'
            || before.EndsWith(">=")
            || before.EndsWith("<=")
            || before.EndsWith("==")
            || before.EndsWith("~=")
            || before.EndsWith("!=")
        )
            return true;
        var operators = before.TrimEnd(' ');
        if (operators.EndsWith(">=") || operators.EndsWith("<=") || operators.EndsWith("~>"))
            return true;
        if (before[^1] == '/')
            return IsProduct(before[..^1], isWhole);
        if (
            before[^1] == '-'
            && LastWord(before[..^1]) is { Length: > 0 } package
            && char.IsLetter(package[0])
            && before[..^1].EndsWith(package)
        )
            return !In(Hosts, package);
        before = before.TrimEnd(" \t\u00A0\"'`:=#([>*");
        if (before is [.., var mark] && mark is '.' or '§' or '°') before = mark == '.' ? before[..^1] : before;
        return EndsInWord(before, 0);
    }

    private static bool EndsInWord(ReadOnlySpan<char> before, int hops)
    {
        var word = LastWord(before);
        if (word.Length is 0 or > MaxWord) return false;
        if (In(Words, word) || In(Software, word)) return true;
        foreach (var ending in Endings)
            if (word.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) return true;
        var rest = before[..^word.Length].TrimEnd(" \t\u00A0.:");
        if (word.Equals("to", StringComparison.OrdinalIgnoreCase) && In(Upgrades, LastWord(rest))) return true;
        return hops < 2 && In(Fillers, word) && !rest.EndsWith("\n") && EndsInVersionWord(rest, hops + 1);
    }

    // "Python is 8.8.8.8" says nothing, "the version is 8.8.8.8" does.
    private static bool EndsInVersionWord(ReadOnlySpan<char> before, int hops) =>
        !In(Software, LastWord(before)) && EndsInWord(before, hops);

    /// <summary>A name before a slash, as user agents have them: not the host or a folder of an address of the web.</summary>
    private static bool IsProduct(ReadOnlySpan<char> before, bool isWhole)
    {
        var start = before.Length;
        while (start > 0 && (char.IsLetterOrDigit(before[start - 1]) || before[start - 1] is '-' or '_' or '.' or '+')) start--;
        if (start == before.Length || (start == 0 && !isWhole) || !before[start..].ContainsAnyInRange('A', 'z')) return false;
        return start == 0 || before[start - 1] is not ('/' or ':' or '@' or '\\' or '%');
    }

    private static bool IsBehind(ReadOnlySpan<char> text, int end)
    {
        var behind = text[end..Math.Min(text.Length, end + Window)];
        if (behind is ['-' or '+', var letter, ..] && char.IsAsciiLetter(letter))
        {
            var tag = FirstWord(behind[1..]);
            foreach (
                var known in (string[])
                    ["alpha", "beta", "rc", "snapshot", "preview", "pre", "dev", "release", "final", "ga", "nightly", "build", "canary"]
            )
                if (tag.StartsWith(known, StringComparison.OrdinalIgnoreCase))
                    return true;
        }
        return behind is [' ', ..] && In(WordsBehind, FirstWord(behind[1..]));
    }

    /// <summary>Whether the line before begins with the section that this would be a part of: 4.3.2 before 4.3.2.1.</summary>
    private static bool IsBelowSection(ReadOnlySpan<char> text, int at, ReadOnlySpan<char> number)
    {
        var start = at;
        while (start > 0 && text[start - 1] is ' ' or '\t') start--;
        if (start == 0 || text[start - 1] != '\n') return false;
        var before = text[Math.Max(0, start - 4 * Window)..(start - 1)].TrimEnd();
        var line = before[(before.LastIndexOf('\n') + 1)..].TrimStart(" \t#");
        var parent = number[..number.LastIndexOf('.')];
        return line.StartsWith(parent)
            && line.Length > parent.Length
            && line[parent.Length] is ' ' or '\t' or '.'
            && (line.Length == parent.Length + 1 || !char.IsAsciiDigit(line[parent.Length + 1]));
    }

    /// <summary>"Versions 1.2.3.4, 1.2.3.5 and 1.2.4.0", "1.2.3.4 to 1.2.3.9": what the first is, the others are.</summary>
    private static bool FollowsAnother(ReadOnlySpan<char> text, int at, int chain)
    {
        var before = text[Math.Max(0, at - Window)..at].TrimEnd(' ');
        if (before.Length > 0 && before[^1] is ',' or ';' or '-' or '–' or '—' or '&' or '/') before = before[..^1];
        else if (LastWord(before) is { Length: > 0 } word && In(Connectors, word)) before = before[..^word.Length];
        else return false;
        before = before.TrimEnd(" ,");
        var end = Math.Max(0, at - Window) + before.Length;
        var start = end;
        while (start > 0 && end - start < 16 && (char.IsAsciiDigit(text[start - 1]) || text[start - 1] == '.'))
            start--;
        return end > start
            && char.IsAsciiDigit(text[start])
            && text[start..end].Count('.') is 2 or 3
            && IsAt(text, start, end - start, chain + 1);
    }

    private static ReadOnlySpan<char> LastWord(ReadOnlySpan<char> text)
    {
        var start = text.Length;
        while (start > 0 && IsOfWord(text[start - 1])) start--;
        return text[start..];
    }

    private static ReadOnlySpan<char> FirstWord(ReadOnlySpan<char> text)
    {
        var end = 0;
        while (end < text.Length && char.IsLetter(text[end])) end++;
        return text[..end];
    }

    private static bool IsOfWord(char sign) =>
        char.IsLetterOrDigit(sign)
        || sign is '+' or '.' or '-' or '§' or '°'
        || char.GetUnicodeCategory(sign) == System.Globalization.UnicodeCategory.NonSpacingMark
        || char.GetUnicodeCategory(sign) == System.Globalization.UnicodeCategory.SpacingCombiningMark;

    private static bool In(FrozenSet<string> set, ReadOnlySpan<char> word) =>
        word.Length <= MaxWord
        && (
            set.GetAlternateLookup<ReadOnlySpan<char>>().Contains(word)
            || (
                word.LastIndexOfAny('-', '.') is > 0 and var cut && set.GetAlternateLookup<ReadOnlySpan<char>>().Contains(word[(cut + 1)..])
            )
        );

    private static FrozenSet<string> Set(string words) =>
        words.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
