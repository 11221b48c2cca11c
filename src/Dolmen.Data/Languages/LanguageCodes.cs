using System.Collections.Frozen;

namespace Dolmen.Data.Languages;

/// <summary>One code for each language, whatever list it was named from.</summary>
internal static class LanguageCodes
{
    // Codes of ISO 639-3 that have one in 639-1, the standard form of a language for the language, and some old codes.
    private const string Pairs = """
        aar aa abk ab afr af aka ak als sq amh am ara ar arb ar arg an asm as ava av aym ay ayr ay aze az azj az bak ba bam bm bel be ben bn bis bi bod bo
        bos bs bre br bul bg cat ca ces cs cha ch che ce chv cv cmn zh cor kw cos co cre cr cym cy dan da deu de div dv dzo dz ekk et ell el eng en epo eo
        est et eus eu ewe ee fao fo fas fa fij fj fil tl fin fi fra fr fry fy ful ff fuv ff gaz om gla gd gle ga glg gl glv gv grn gn gug gn guj gu hat ht
        hau ha hbs sh heb he her hz hin hi hmo ho hrv hr hun hu hye hy ibo ig iii ii iku iu ind id ipk ik isl is ita it jav jv jpn ja kal kl kan kn kas ks
        kat ka kau kr kaz kk khk mn khm km kik ki kin rw kir ky kmr ku knc kr kom kv kon kg kor ko kua kj kur ku lao lo lav lv lim li lin ln lit lt ltz lb
        lub lu lug lg lvs lv mah mh mal ml mar mr mkd mk mlg mg mlt mt mon mn mri mi msa ms mya my nau na nav nv nbl nr nde nd ndo ng nep ne nld nl nno nn
        nob no nor no npi ne nya ny oci oc oji oj ori or orm om ory or oss os pan pa pbt ps pbu ps pes fa plt mg pol pl por pt prs fa pus ps que qu quy qu
        quz qu roh rm ron ro run rn rus ru sag sg sin si slk sk slv sl sme se smo sm sna sn snd sd som so sot st spa es sqi sq srd sc sro sc srp sr ssw ss
        sun su swa sw swe sv swh sw tah ty tam ta tat tt tel te tgk tg tgl tl tha th tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur
        uzb uz uzn uz ven ve vie vi wln wa wol wo xho xh ydd yi yid yi yor yo zha za zho zh zlm ms zsm ms zul zu in id iw he ji yi nb no
        """;

    private static readonly FrozenDictionary<string, string> Ours = Load();

    /// <param name="label">As ISO 639-1 or 639-3, with or without a script (<c>eng_Latn</c>, as GlotLID and FLORES have it).</param>
    public static string Of(string label)
    {
        var end = label.AsSpan().IndexOfAny('_', '-');
        var code = (end < 0 ? label : label[..end]).ToLowerInvariant();
        return Ours.GetValueOrDefault(code, code);
    }

    private static FrozenDictionary<string, string> Load()
    {
        var codes = Pairs.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return Enumerable.Range(0, codes.Length / 2).ToFrozenDictionary(i => codes[2 * i], i => codes[(2 * i) + 1], StringComparer.Ordinal);
    }
}
