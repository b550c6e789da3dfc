/**
 * Ordinary English of several kinds, written for this purpose: no model has been trained on it, so that what it finds
 * likely is not what it remembers.
 */
export const PASSAGES: readonly string[] = [
  `The ferry was late again, and by the time it came round the headland most of the people on the pier had given up
looking for it. Marta sat on her suitcase with her back against the ticket office, eating the last of the bread. Her
brother had promised to meet her on the other side, but her brother promised a great many things, and she had brought
enough money for a room. When the ropes were thrown and the gangway came down, only three passengers got off: a priest,
a boy with a goat, and a woman in a yellow coat who looked straight at Marta and then quickly away, as if she had seen
someone she owed an apology. The captain shouted that there would be no return crossing before the morning. Nobody
seemed surprised. A man with a cart began to sell coffee, and the gulls, who had learned what a delay was worth, settled
along the railing and waited for somebody to drop something.`,
  `A heat pump does not make heat; it moves it. Inside the outdoor unit a liquid with a very low boiling point flows
through a coil. Even on a cold day the air outside is warmer than that liquid, so heat passes into it and the liquid
turns into a gas. A compressor then squeezes the gas, which raises its temperature well above that of the house. In the
indoor unit the hot gas gives up its heat to the water in the radiators and becomes liquid again. A valve lets the
pressure fall, the liquid cools, and the cycle starts over. Because the electricity only has to drive the compressor, one
unit of electrical energy can deliver three or four units of heat. The ratio falls as the difference between the two
temperatures grows, which is why such systems work best with large radiators or heating under the floor.`,
  `Dear Mr. Okafor, thank you for your letter of 3 March about the repairs to the roof of the community hall. The
committee met on Tuesday and agreed to accept the lower of the two offers, provided that the work can be finished before
the summer festival in the last week of June. Could you please confirm that the price includes the removal of the old
tiles and the hire of the scaffolding? We would also like to know whether the hall can be used in the evenings while the
work is going on, since the choir and the chess club both meet there. If it has to close, we will need at least two
weeks' notice to find another place for them. I look forward to hearing from you and remain, with kind regards, yours
sincerely, Helen Brandt, secretary.`,
  `To make the soup, cut two onions and three cloves of garlic into small pieces and cook them gently in olive oil until
they are soft but not brown. Add a kilo of ripe tomatoes, a spoonful of sugar, a little salt and half a litre of water.
Bring everything to the boil, then turn down the heat and let it simmer for half an hour with the lid on. Take the pot
off the stove, add a handful of fresh basil, and blend the soup until it is smooth. If it seems too thick, pour in some
more water; if it is too sour, stir in a spoonful of cream. Serve it hot with toasted bread rubbed with garlic. It keeps
for three days in the refrigerator and tastes even better on the second.`,
  `"You said the meeting was at nine," said Priya. "It was at nine," said Tom. "It is now ten past ten." "Then why is
nobody here?" He looked round the empty room, at the twelve chairs and the twelve glasses of water, and for the first
time that morning he seemed less sure of himself. "Perhaps they have gone to the other building." "What other building?"
"The one on the invitation." She took the paper out of his hand and read it twice. "Tom," she said, "this invitation is
for next Thursday." He sat down slowly. "In that case," he said, "we are not late at all. We are six days early, and
that has never happened to me before."`,
  `The city council voted on Monday evening to close the old market street to cars for a trial period of one year. The
decision, which was passed by a majority of eleven to seven, followed months of argument between shopkeepers, who fear
that customers will stay away, and residents, who have long complained about noise and bad air. Buses and bicycles will
still be allowed, and deliveries may be made before ten in the morning. The mayor said that the number of visitors would
be counted before and after the change, so that the next vote could be based on facts rather than fears. A spokesman for
the traders' association called the plan a gamble and announced that its members would consider going to court.`,
  `Mountains influence the weather in more than one way. When moist wind from the sea meets a range, it is forced to
rise; as it rises it expands and cools, and the water that it carries falls as rain or snow on the near side. By the time
the air comes down on the far side it is dry, and the sinking warms it, so that deserts are often found behind high
mountains. At night the air above the slopes cools faster than the air over the valley and flows downhill, which is why
frost is more common at the bottom of a valley than half way up its side. Farmers have known this for centuries and have
planted their vines and fruit trees on the slopes, leaving the lowest fields for grass and hardier crops.`,
].map((passage) => passage.replaceAll('\n', ' '))
