using System.Collections.Frozen;

namespace Dolmen.Data.Readers;

/// <summary>Verbs as manuals use them, enough to tell a sentence from a phrase.</summary>
internal static class EnglishVerbs
{
    private const string Auxiliaries =
        "is are was were be been being am has have had do does did can could may might must shall should will would cannot can't don't "
        + "doesn't won't isn't aren't";

    private const string FunctionWords =
        "the a an of to in on at by for from with without and or but not if when while as than that this these those it they you we "
        + "which who what where how into onto over under between after before until also only other";

    private const string Bases =
        "accept access achieve act activate add adjust affect allow alter analyze append apply arrange ask assign assume attach attempt "
        + "avoid become begin belong bind block break bring build calculate call cancel cast catch cause change check choose clean clear "
        + "close collect combine come commit compare compile complete compress compute configure connect consist contain continue control "
        + "convert copy correspond count cover create declare decide decode decrease define delay delete deliver depend describe destroy "
        + "detach detect determine differ disable discard disconnect display distinguish divide drop dump emit enable encode encrypt end "
        + "enforce ensure enter establish evaluate examine exclude execute exist exit expand expect expire explain export expose express "
        + "extend extract fail fetch fill filter find finish fire fit fix flush follow force form format free generate get give go grant "
        + "group grow guarantee handle happen help hide hold identify ignore implement imply import improve include increase indicate "
        + "influence inherit initialize insert inspect install instruct integrate interpret invoke issue join keep know lead learn leave "
        + "let limit link list listen load locate lock log look lose make manage map mark match mean measure merge migrate modify monitor "
        + "move name need notify obtain occur offer open operate optimize order overflow override overwrite own parse pass perform permit "
        + "place play point prepare prescribe preserve prevent print proceed process produce prompt protect provide publish put query quit "
        + "raise reach read rebuild receive recognize recommend record recover reduce reference refresh refuse register reject relate "
        + "release reload rely remain remove rename render repeat replace replicate report represent request require reserve reset resolve "
        + "respond restart restore restrict result retain retrieve return reverse revoke rewrite roll rotate run save scan schedule search "
        + "select send separate serve set share show shut signal skip solve sort specify split stand start stay stop store strip submit "
        + "succeed suggest supply support suppress switch synchronize take tell terminate test throw toggle trace track train transfer "
        + "transform transmit translate travel treat trigger truncate try turn uninstall unlock update upgrade use validate vary verify "
        + "view visit wait want warn work wrap write yield";

    private static readonly FrozenSet<string> Auxiliary = Set(Auxiliaries);
    private static readonly FrozenSet<string> Function = Set(FunctionWords);
    private static readonly FrozenSet<string> Base = Set(Bases);

    /// <summary>Whether a sentence that opens with the word says what its subject does: "Returns the length."</summary>
    public static bool IsThirdPerson(string word) =>
        word.EndsWith('s') && !Base.Contains(word) && Base.Contains(Stem(word.ToLowerInvariant()));

    /// <summary>The plain form, as headings and instructions open with: "Install".</summary>
    public static bool IsBase(string word) => Base.Contains(word.ToLowerInvariant());

    public static bool IsAuxiliary(string word) => Auxiliary.Contains(word.ToLowerInvariant());

    public static bool IsFunctionWord(string word) => Function.Contains(word.ToLowerInvariant());

    public static bool IsVerb(string word)
    {
        var lower = word.ToLowerInvariant();
        return Auxiliary.Contains(lower) || Base.Contains(lower) || Base.Contains(Stem(lower));
    }

    /// <summary>An auxiliary anywhere, or a verb that is not the last word.</summary>
    public static bool AnyIn(string[] words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            var word = words[i].Trim(',', ';', '.', '(', ')', '"', '“', '”', ':').ToLowerInvariant();
            if (Auxiliary.Contains(word) || word.EndsWith('s') && Base.Contains(Stem(word))) return true;
            // "you use", "to use", "files use": a plain form is a verb after a subject or "to", and in an instruction.
            if (i < words.Length - 1 && Base.Contains(word)) return true;
            if (i > 0 && i < words.Length - 1 && word.EndsWith("ed", StringComparison.Ordinal) && Base.Contains(Stem(word))) return true;
        }
        return false;
    }

    private static string Stem(string word)
    {
        if (word.EndsWith("ies", StringComparison.Ordinal) && word.Length > 4) return word[..^3] + "y";
        if (word.EndsWith("es", StringComparison.Ordinal) && Base.Contains(word[..^2])) return word[..^2];
        if (word.EndsWith('s')) return word[..^1];
        if (word.EndsWith("ied", StringComparison.Ordinal) && word.Length > 4) return word[..^3] + "y";
        if (!word.EndsWith("ed", StringComparison.Ordinal)) return word;
        if (Base.Contains(word[..^2])) return word[..^2];
        if (word.Length > 5 && word[^3] == word[^4] && Base.Contains(word[..^3])) return word[..^3];
        return word[..^1];
    }

    private static FrozenSet<string> Set(string words) => words.Split(' ').ToFrozenSet(StringComparer.Ordinal);
}
