/**
 * The words that are one token each. Their order fixes token ids: appending or moving a word calls for a new training.
 */

/** Words that follow a space. */
export const spacedWords = words(`
  the is are in there this you picture see one shape a circles triangles stars squares many square star circle triangle
  color red orange yellow purple green blue black pink several places any at of photo shapes do image three on four two
  me five no nothing anything left top middle right it bottom colour object can tell things objects figures figure thing
  does kind sentence shown word empty something which show what they have about these where side caption for part how
  find located number position description describe detail count colors colours not only answer questions I
  What Where How Is Do Are Can Tell Which Describe Count What's Name The Shape On In Explain Write Caption Color Give
  Colour Answer Please Thanks Be brief briefly and to that with was who an we my your from by or as be has more has
  big small say name write give explain please assistant helpful pictures user model when why could would time
`)

/** Words that open a text or follow a line break. */
export const bareWords = words(`
  user model There What The Where Is No How In Do Yes A Can Are One Which Describe Tell Look Triangles Circles Squares
  Stars On Count Please Three Four Five Two At Green Purple Blue Pink Yellow Red Black Orange Hi Here Hello What's Name
  I Shape Write Give Explain Caption Color Colour You Answer Be what where is how do are can which tell describe what's
  count name the caption on please explain write in shape color give colour Who Why
`)

/** Common letter pairs, so that other words do not fall apart into single letters. */
export const fragments = words(`
  th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea
  ra ce li ch ll be ma si om ur ing ion ent ers ly
`)

function words(text: string): readonly string[] {
  return [...new Set(text.trim().split(/\s+/))]
}
