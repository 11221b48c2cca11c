using System.Diagnostics.CodeAnalysis;

namespace Dolmen.Data.Languages;

/// <summary>Little words by which languages are told apart that share most of their trigrams, also from some of which there are no
/// trigrams.</summary>
internal sealed class RivalWords
{
    private static readonly RivalWords[] Groups =
    [
        new(("hi", "है हैं के में की का और से को पर नहीं था थी थे ने भी यह एक लिए"),
            ("mr", "आहे आहेत आणि नाही होते होता होती या व मध्ये केली केला केले तर ते हे असे त्या त्यांनी हा ही असून म्हणून"),
            ("ne", "छ छन् छैन र हो पनि थियो थिए गरेको भएको गर्न भने छु हुन् यो लागि गर्दै हुने")
        ),
        new(
            (
                "hr",
                "tko tijekom tjedan tjedna tisuća tisuće obitelj povijest povijesti sveučilište europske europski europskih sustav sustava "
                    + "glazbe izvješće siječnja veljače "
                    + "ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga studenog prosinca tvrtke tvrtka županije "
                    + "uopće općine također glede"
            ),
            (
                "bs",
                "ko šta hiljada hiljade sedmica sedmice evropske evropski evropskih historije historija univerzitet univerziteta sistem "
                    + "sistema saopćenje lahko porodica "
                    + "porodice januara februara marta aprila maja juna jula augusta septembra oktobra novembra decembra kantona entiteta "
                    + "uopće općine također"
            ),
            (
                "sr",
                "gde ovde vreme posle pre uvek čovek mesto mesta deo dve svet takođe uopšte opština opštine nedelje reč reči lepo celo "
                    + "cele primer sledeći sledeće mleko promena "
                    + "sneg reka reke pesma pesme hleb šta ko hiljada hiljade univerzitet sistem porodice januara februara marta aprila "
                    + "juna jula avgusta septembra oktobra novembra decembra"
            )
        ),
        new(
            (
                "id",
                "dan di yang tidak ini itu dengan dari ada juga atau untuk pada karena bahwa bisa uang mobil kantor perusahaan polisi "
                    + "universitas desember agustus maret juni juli "
                    + "mau coba berbeda gratis kualitas aktivitas informasi kota listrik pekan situs senin jumat provinsi kabupaten"
            ),
            (
                "ms",
                "dan di yang tidak ini itu dengan dari ada juga atau untuk pada kerana bahawa wang pejabat syarikat polis universiti "
                    + "disember ogos mac jun julai mahu cuba berbeza "
                    + "percuma kualiti aktiviti maklumat bandar ialah manakala sahaja tarikh isnin jumaat awam jabatan semasa selepas "
                    + "sekiranya encik"
            ),
            ("jv", "lan ing sing ora iki kuwi karo saka ana dadi wis uga kang kanthi amarga utawa menyang kanggo"),
            ("su", "jeung nu di henteu ieu éta ti aya jadi geus ogé ku anu kana sareng dina pikeun atawa")
        ),
        new(
            (
                "no",
                "ikke jeg hun fra mer hva hvordan bare ble være noe noen mye selv også hele mens flere blir gjør sier hvor av etter uten "
                    + "mellom meg deg seg oss en et"
            ),
            (
                "nn",
                "ikkje eg ho frå meir kva korleis berre vart vere noko nokon mykje sjølv òg heile medan fleire blir blei gjer seier kvar "
                    + "av etter utan mellom meg deg seg oss ein eit dei"
            ),
            (
                "da",
                "ikke jeg hun fra mere hvad hvordan kun blev være noget nogle meget selv også hele mens flere bliver gør siger hvor af "
                    + "efter uden mellem mig dig sig os en et"
            )
        ),
        new(
            ("es", "y el los las una no más también hasta muy por con al del en hay ya después su cuando"),
            ("pt", "uma não mais também até muito pela pelo com há já depois quando um em são foram"),
            ("gl", "unha non máis tamén ata moi pola polo coa hai xa despois súa cando cun dunha nunha dun entón son foron")),
        new(("de", "und ist nicht mit von das die wie auch eine einem hat wird für haben der sich aber"),
            ("nl", "en is niet met van dat die ook een heeft wordt zijn voor maar het zich naar ik hij hun deze"),
            ("af", "en is nie met van dat die ook word vir maar het sy na ek hy hulle hierdie wat dit"),
            ("lb", "ass net vun dat déi wéi och eng engem huet gëtt fir hunn datt mat vum sech awer")),
        new(("ga", "ar ní bhí tá go chun freisin ag ón sé siad bheidh leis"),
            ("gd", "air ann chan bha tha gu airson cuideachd aig bhon bidh dhan anns nach iad")),
        new(("is", "ekki ég fyrir hefur þeir það sem að voru hafa við"),
            ("fo", "ikki fyri hevur teir tað sum av vóru hava kunnu við")),
        new(("tl", "at ng dahil hindi isa siya ito nito kanilang ngunit mula kanyang ay"),
            ("ceb", "ug nga kay dili usa kini niini ilang alang apan gikan adunay iyang"),
            ("war", "ngan han nga an kay diri usa hiya ini hito tikang iya ha hin")),
        new(("ca", "i el els amb és són això també més molt va era com però aquesta"),
            ("oc", "e lo los amb es son aquò tanben mai fòrça foguèt èra coma dins mas aquela")),
    ];

    /// <summary>Natural logarithms that a little word is worth.</summary>
    private const double Evidence = 3;
    private readonly string[] _languages;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _words;

    private RivalWords(params (string Language, string Words)[] rivals)
    {
        _languages = Array.ConvertAll(rivals, rival => rival.Language);
        var words = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < rivals.Length; i++)
            foreach (var word in rivals[i].Words.Split(' ')) words[word] = words.GetValueOrDefault(word) | (1 << i);
        _words = words.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Those told by their words, some of which have no trigrams.</summary>
    public static IEnumerable<string> Languages => Groups.SelectMany(group => group._languages);

    public static bool TryFind(string language, [NotNullWhen(true)] out RivalWords? rivals)
    {
        rivals = Array.Find(Groups, group => group._languages.AsSpan().Contains(language));
        return rivals is not null;
    }

    /// <param name="guess">What the trigrams say: one of these languages, or nothing.</param>
    public LanguageGuess Settle(LanguageGuess guess, TrigramModel model, ReadOnlySpan<char> sample)
    {
        Span<int> votes = stackalloc int[_languages.Length];
        votes.Clear();
        foreach (var range in sample.SplitAny(" \n\t।,.;:?!\"'’()|-–"))
            if (_words.TryGetValue(sample[range], out var languages))
                for (var i = 0; i < votes.Length; i++) votes[i] += (languages >> i) & 1;
        var (best, second) = (0, 0);
        for (var i = 1; i < votes.Length; i++)
            if (votes[i] > votes[best]) best = i;
        for (var i = 0; i < votes.Length; i++)
            if (i != best) second = Math.Max(second, votes[i]);
        if (!model.Knows(_languages[best]))
        {
            // Two words when none speaks for another, many when the languages share many.
            if (2 * votes[best] >= 3 * (second + 1)) return new(_languages[best], 1 - second / (2.0 * votes[best]));
        }
        else if (guess.Language == LanguageGuess.Unknown.Language)
        {
            return new(_languages[best], votes[best] > second ? 1 : 0.5);
        }
        Span<double> evidence = stackalloc double[model.Languages.Length];
        evidence.Clear();
        for (var i = 0; i < votes.Length; i++)
            if (model.Knows(_languages[i])) evidence[model.Languages.IndexOf(_languages[i])] = votes[i] * Evidence;
        return model.Identify(sample, evidence);
    }
}
